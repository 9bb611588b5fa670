package ParaH2;

# HTTP/2 by the frame (RFC 9113), for what no client sends, and for a server
# that shows each field as it came.
#
#   my $answer = h2_exchange($port, h2_request($fields, body => 'x'));
#   $answer->{status}; $answer->{goaway}; $answer->{reset};
#
# Fields are [name, value], bytes, in the order given, pseudo-fields too.  They
# are written as literals that enter no table (RFC 7541 6.2.2), as they are.

use strict;
use warnings;

use Exporter         qw(import);
use IO::Select       ();
use IO::Socket::INET ();

our @EXPORT_OK = qw(h2_frame h2_literal h2_huffman h2_headers h2_request
    h2_exchange h2_serve);

use constant {
    PREFACE   => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    HEAD_SIZE => 9,
    MAX_FRAME => 16_384,
    TIMEOUT   => 10,
    GOODBYE   => 0.3,

    DATA         => 0,
    HEADERS      => 1,
    RST_STREAM   => 3,
    SETTINGS     => 4,
    GOAWAY       => 7,
    CONTINUATION => 9,

    END_STREAM  => 0x01,
    ACK         => 0x01,
    END_HEADERS => 0x04,
};


# ---- HPACK ----------------------------------------------------------------

# RFC 7541 appendix A: names with the values that they have there, from 1 on
# (but for accept-encoding's).
my @STATIC = map {
    my ($name, @values) = split /=/;
    map { [$name, $_] } @values ? split(/,/, $values[0]) : ''
} split ' ', <<'STATIC';
:authority :method=GET,POST :path=/,/index.html :scheme=http,https
:status=200,204,206,304,400,404,500 accept-charset accept-encoding
accept-language accept-ranges accept access-control-allow-origin age
allow authorization cache-control content-disposition content-encoding
content-language content-length content-location content-range
content-type cookie date etag expect expires from host if-match
if-modified-since if-none-match if-range if-unmodified-since
last-modified link location max-forwards proxy-authenticate
proxy-authorization range referer refresh retry-after server set-cookie
strict-transport-security transfer-encoding user-agent vary via
www-authenticate
STATIC

# RFC 7541 appendix B: how many bits the code of each byte has; the last is EOS.
# The codes follow from that, since the code is canonical.
my $HUFFMAN_BITS = <<'BITS';
13 23 28x7 24 30 28x2 30 28x8 30 28x9 6 10x2 12 13 6 8 11 10x2 8 11 8 6x3 5x3
6x7 7 8 15 6 12 10 13 6 7x22 8 7 8 13 19 13 14 6 15 5 6 5 6 5 6x3 5 7x2 6x3 5
6 7 6 5x2 6 7x5 15 11 14 13 28 20 22 20x2 22x3 23 22 23x5 24 23 24x2 22 23 24
23x4 21 22 23 22 23x2 24 22 21 20 22x2 23x2 21 23 22x2 24 21 22 23x2 21x2 22
21 23 22 23x2 20 22x3 23 22x2 23 26x2 20 19 22 23 22 25 26x3 27x2 26 24 25 19
21 26 27x2 26 27 24 21x2 26x2 28 27x3 20 24 20 21 22 21x2 23 22x2 25x2 24x2 26
23 26 27 26x2 27x5 28 27x5 26 30
BITS

my (@huffman, %huffman);

sub _huffman_codes {
    my @bits = map { my ($n, $times) = split /x/; ($n) x ($times // 1) }
        split ' ', $HUFFMAN_BITS;
    my ($code, $length) = (0, 0);

    for my $byte (sort { $bits[$a] <=> $bits[$b] || $a <=> $b } 0 .. $#bits) {
        $code <<= $bits[$byte] - $length;
        $length = $bits[$byte];
        $huffman[$byte] = sprintf '%0*b', $length, $code++;
    }
    %huffman = map { $huffman[$_] => chr } 0 .. 255;
    return;
}

_huffman_codes();

sub _huffman_decode {
    my ($data) = @_;
    my ($text, $code) = ('', '');

    for my $bit (split //, unpack 'B*', $data) {
        $code .= $bit;
        next if !exists $huffman{$code};
        $text .= $huffman{$code};
        $code = '';
    }
    return $text;
}

# RFC 7541 5.1, below the bits that the first byte has already.
sub _integer {
    my ($value, $prefix, $first) = @_;

    my $max = 2**$prefix - 1;
    return chr($first | $value) if $value < $max;

    my $bytes = chr($first | $max);
    for ($value -= $max; $value >= 128; $value >>= 7) {
        $bytes .= chr(128 | $value & 127);
    }
    return $bytes . chr $value;
}

sub _take_integer {
    my ($block, $prefix) = @_;

    my $max   = 2**$prefix - 1;
    my $value = $max & ord(substr $$block, 0, 1, '');
    return $value if $value < $max;

    for (my $shift = 0; length $$block; $shift += 7) {
        my $byte = ord substr $$block, 0, 1, '';
        $value += ($byte & 127) << $shift;
        last if $byte < 128;
    }
    return $value;
}

sub _take_string {
    my ($block) = @_;

    my $huffman = ord($$block) & 128;
    my $length  = _take_integer($block, 7);
    my $text    = substr $$block, 0, $length, '';

    return $huffman ? _huffman_decode($text) : $text;
}

# A field; "as" is its first byte: 0 enters no table, 0x40 the dynamic one.
sub h2_literal {
    my ($name, $value, $as) = @_;
    return chr($as // 0) . join '',
        map { _integer(length, 7, 0) . $_ } $name, $value;
}

# The same with its name in Huffman's code.
sub h2_huffman {
    my ($name, $value) = @_;

    my $bits = join '', map { $huffman[ord] } split //, $name;
    $bits .= '1' x (-length($bits) % 8);
    my $coded = pack 'B*', $bits;

    return "\0" . _integer(length $coded, 7, 0x80) . $coded
        . _integer(length $value, 7, 0) . $value;
}

# The fields of a block.  Nobody whom we talk to refers to what was sent before.
sub _decode {
    my ($block) = @_;
    my @fields;

    while (length $block) {
        my $first = ord $block;

        if ($first & 0x80) {
            push @fields, $STATIC[_take_integer(\$block, 7) - 1]
                // ['?', '?'];
            next;
        }
        if (($first & 0xe0) == 0x20) {    # the size of the dynamic table
            _take_integer(\$block, 5);
            next;
        }

        my $index = _take_integer(\$block, $first & 0x40 ? 6 : 4);
        my $name  = $index ? ($STATIC[$index - 1] // ['?'])->[0]
            : _take_string(\$block);
        push @fields, [$name, _take_string(\$block)];
    }

    return \@fields;
}


# ---- Frames ---------------------------------------------------------------

sub h2_frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

# A block of fields, in as many frames as it takes.  Options: stream (1), end
# (1: nothing comes after it), size (of each frame at most).
sub h2_headers {
    my ($block, %options) = @_;

    my $size   = $options{size} // MAX_FRAME;
    my @parts  = unpack "(a$size)*", $block;
    my $stream = $options{stream} // 1;
    my $end    = $options{end} ? END_STREAM : 0;

    return join '', map {
        h2_frame($_ ? CONTINUATION : HEADERS,
            ($_ ? 0 : $end) | ($_ == $#parts ? END_HEADERS : 0),
            $stream, $parts[$_])
    } 0 .. $#parts;
}

# The frames of a request.  "More" are fields beside the usual ones.  Options:
# method, path, body, trailers (fields), block (bytes behind that of the
# fields), and those of h2_headers().
sub h2_request {
    my ($more, %options) = @_;

    my $method = delete $options{method}
        // (defined $options{body} ? 'POST' : 'GET');
    my $path     = delete $options{path} // '/';
    my $body     = delete $options{body};
    my $trailers = delete $options{trailers};
    my $stream   = $options{stream} // 1;

    my $block = join '', map { h2_literal(@$_) }[':method', $method],
        [':scheme', 'http'], [':authority', 'gateway'], [':path', $path],
        @$more;
    my $frames = h2_headers($block . (delete $options{block} // ''),
        end => !defined $body && !$trailers, %options);

    $frames .= h2_frame(DATA, $trailers ? 0 : END_STREAM, $stream, $body)
        if defined $body;
    $frames .= h2_headers(join('', map { h2_literal(@$_) } @$trailers),
        end => 1, stream => $stream)
        if $trailers;

    return $frames;
}

sub _take_frame {
    my ($data) = @_;

    return if length $$data < HEAD_SIZE;
    my ($high, $low, $type, $flags, $stream) = unpack 'CnCCN', $$data;
    my $length = $high << 16 | $low;
    return if length $$data < HEAD_SIZE + $length;

    my $frame = substr $$data, 0, HEAD_SIZE + $length, '';
    return {
        type    => $type,
        flags   => $flags,
        stream  => $stream,
        payload => substr $frame, HEAD_SIZE
    };
}

# Sends frames over a connection of their own; waits for the end of stream 1,
# or of the connection.
sub h2_exchange {
    my ($port, @frames) = @_;

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $port,
        Timeout  => TIMEOUT,
    ) or die "cannot connect: $@\n";

    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, join '', PREFACE, h2_frame(SETTINGS, 0, 0, ''), @frames;

    my $select = IO::Select->new($socket);
    my %answer = (body => '');
    my $data   = '';

    # Of a connection that is given up some streams may yet be answered.
    while ($select->can_read($answer{goaway} ? GOODBYE : TIMEOUT)) {
        sysread($socket, $data, MAX_FRAME, length $data) or last;

        while (my $frame = _take_frame(\$data)) {
            $answer{goaway} = 1 if $frame->{type} == GOAWAY;
            next if $frame->{stream} != 1;

            if ($frame->{type} == HEADERS) {
                my %field = map {@$_} @{_decode($frame->{payload})};
                $answer{status} //= $field{':status'};
            }
            $answer{body} .= $frame->{payload} if $frame->{type} == DATA;
            $answer{reset} = 1 if $frame->{type} == RST_STREAM;
            return \%answer
                if $answer{reset}
                || $frame->{type} <= HEADERS && $frame->{flags} & END_STREAM;
        }
    }

    return \%answer;
}

# The server's side of one connection: waits for the end of a request, gives
# what came to a callback and answers with the text that it returns.
sub h2_serve {
    my ($client, $answer) = @_;

    my ($raw, $data, $block, $body, $ended, @fields) = ('', '', '', '');
    syswrite $client, h2_frame(SETTINGS, 0, 0, '');

    while (sysread $client, my $more, MAX_FRAME) {
        $raw  .= $more;
        $data .= $more;
        next if length $raw < length PREFACE;
        $data =~ s/\A\Q@{[PREFACE]}\E//;

        while (my $frame = _take_frame(\$data)) {
            my ($type, $flags) = @$frame{qw(type flags)};

            syswrite $client, h2_frame(SETTINGS, ACK, 0, '')
                if $type == SETTINGS && !($flags & ACK);

            $body .= $frame->{payload} if $type == DATA;
            $block .= $frame->{payload}
                if $type == HEADERS || $type == CONTINUATION;
            $ended = 1 if $type <= HEADERS && $flags & END_STREAM;

            if ($type != DATA && $flags & END_HEADERS) {
                push @fields, @{_decode($block)};
                $block = '';
            }
            next if !$ended || length $block;

            my $text = $answer->($raw, \@fields, $body);
            syswrite $client, join '',
                h2_headers(h2_literal(':status', '200')
                    . h2_literal('content-type', 'application/grpc'),
                stream => $frame->{stream}),
                h2_frame(DATA, END_STREAM, $frame->{stream}, $text);

            # A socket with something unread in it would be reset; the other
            # side closes.
            1 while sysread $client, $data, MAX_FRAME;
            return;
        }
    }

    return;
}

1;
