package ParaUpstreams;

# Upstreams of every kind that nginx has, which note what they get, byte by
# byte: "http", "fastcgi", "uwsgi", "scgi", and "h2" for gRPC.
#
#   my $upstreams = ParaUpstreams->start("$PARA_DIR/upstreams");
#   "fastcgi_pass 127.0.0.1:" . $upstreams->port('fastcgi');
#   my ($request) = $upstreams->requests;
#
# A request has: kind, raw (all bytes), headers (a list of [name, value] as they
# came; of CGI and its like, all params), body.  The answer to it is a line for
# each header, "name=value", or over HTTP as much of a document as "Range" says.

use strict;
use warnings;

use IO::Select       ();
use IO::Socket::INET ();
use JSON::PP         ();
use POSIX            ();

use ParaH2 qw(h2_serve);

use constant {
    QUEUE   => 64,
    TIMEOUT => 5,       # seconds for one connection
    CHUNK   => 65_536,

    DOCUMENT => 2_500,  # bytes, of what is asked for in ranges

    # FastCGI 1.0, 3.3
    FCGI_HEADER => 8,
    FCGI_END    => 3,
    FCGI_PARAMS => 4,
    FCGI_STDIN  => 5,
    FCGI_STDOUT => 6,
};

my %SERVE = (
    http    => \&_serve_http,
    fastcgi => \&_serve_fastcgi,
    uwsgi   => \&_serve_uwsgi,
    scgi    => \&_serve_scgi,
    h2      => \&_serve_h2,
);

my $JSON = JSON::PP->new->latin1;


# ---- Life -----------------------------------------------------------------

# They end with this process, or with the object.
sub start {
    my ($class, $file) = @_;

    my $self = bless {file => $file, owner => $$}, $class;
    $self->forget;

    for my $kind (sort keys %SERVE) {
        my $listener = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1',
            Listen    => QUEUE,
        ) or die "cannot listen: $@\n";

        defined(my $pid = fork) or die "cannot fork: $!\n";
        _run($self, $kind, $listener) if !$pid;

        $self->{port}{$kind} = $listener->sockport;
        push @{$self->{pids}}, $pid;
    }

    return $self;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;

    local $?;
    kill 'TERM', @{$self->{pids} // []};
    waitpid $_, 0 for @{$self->{pids} // []};
    return;
}

sub port { return $_[0]{port}{$_[1]} }

# What came since the start, or since forget().
sub requests {
    my ($self) = @_;
    open my $in, '<:raw', $self->{file} or return;
    return map { $JSON->decode($_) } <$in>;
}

sub forget {
    my ($self) = @_;
    open my $out, '>:raw', $self->{file} or die "$self->{file}: $!\n";
    return;
}

sub _run {
    my ($self, $kind, $listener) = @_;

    $SIG{PIPE} = 'IGNORE';
    my $select = IO::Select->new($listener);
    while (1) {
        POSIX::_exit(0) if getppid != $self->{owner};

        # No alarm may go off when somebody is just being accepted.
        $select->can_read(TIMEOUT) or next;

        eval {
            local $SIG{ALRM} = sub { die "too slow\n" };
            my $client = $listener->accept or return;
            alarm TIMEOUT;
            $SERVE{$kind}->($client, sub { $self->_note($kind, @_) });
        };
        alarm 0;
    }
}

# Writes a request down; returns the text of the answer.
sub _note {
    my ($self, $kind, $raw, $headers, $body) = @_;

    open my $out, '>>:raw', $self->{file} or return '';
    syswrite $out,
        $JSON->encode(
        {kind => $kind, raw => $raw, headers => $headers, body => $body})
        . "\n";

    return join '', map {"$_->[0]=$_->[1]\n"} @$headers;
}


# ---- Protocols ------------------------------------------------------------

# Until there are so many bytes, or that a pattern is found.
sub _read {
    my ($client, $data, $enough) = @_;

    while (ref $enough ? $$data !~ $enough : length $$data < $enough) {
        sysread $client, $$data, CHUNK, length $$data or die "cut off\n";
    }
    return;
}

sub _http_answer {
    my ($text) = @_;
    return
        "Content-Type: text/plain\r\nContent-Length: "
        . length($text)
        . "\r\nConnection: close\r\n\r\n$text";
}

sub _serve_http {
    my ($client, $note) = @_;

    my $raw = '';
    _read($client, \$raw, qr/\r\n\r\n/);
    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my (undef, @lines) = split /\r\n/, $head;

    if ($head =~ /^Transfer-Encoding: chunked/mi) {
        _read($client, \$body, qr/(?:\A|\r\n)0\r\n(?:.*\r\n)*\r\n/);
    }
    elsif ($head =~ /^Content-Length: (\d+)/mi) {
        _read($client, \$body, $1);
    }

    my $text = $note->("$head\r\n\r\n$body",
        [map { [split /: ?/, $_, 2] } @lines], $body);
    my $status = '200 OK';

    if ($head =~ /^Range: bytes=(\d+)-(\d+)/mi) {
        my $last = $2 < DOCUMENT ? $2 : DOCUMENT - 1;
        my $size = DOCUMENT;
        $status = "206 Partial Content\r\nContent-Range: bytes $1-$last/$size";
        $text   = 'x' x ($last - $1 + 1);
    }

    syswrite $client, "HTTP/1.1 $status\r\n" . _http_answer($text);
    return;
}

sub _fcgi_length {
    my ($data) = @_;
    my $first = unpack 'C', $$data;
    return unpack 'C', substr $$data, 0, 1, '' if $first < 128;
    return 0x7fffffff & unpack 'N', substr $$data, 0, 4, '';
}

sub _serve_fastcgi {
    my ($client, $note) = @_;
    my ($raw, $at, $params, $body) = ('', 0, '', '');

    while (1) {
        _read($client, \$raw, $at + FCGI_HEADER);
        my (undef, $type, undef, $size, $padding) = unpack 'CCnnCx',
            substr $raw, $at, FCGI_HEADER;
        $at += FCGI_HEADER;

        _read($client, \$raw, $at + $size + $padding);
        my $data = substr $raw, $at, $size;
        $at += $size + $padding;

        $params .= $data if $type == FCGI_PARAMS;
        $body   .= $data if $type == FCGI_STDIN;
        last if $type == FCGI_STDIN && !$size;
    }

    # Twice the same name is what matters here: so no hash.
    my @params;
    while (length $params) {
        my ($name, $value) = (_fcgi_length(\$params), _fcgi_length(\$params));
        push @params,
            [substr($params, 0, $name, ''), substr $params, 0, $value, ''];
    }

    my $answer = _http_answer($note->($raw, \@params, $body));
    syswrite $client, join '',
        (map { pack('CCnnCx', 1, FCGI_STDOUT, 1, length, 0) . $_ }
            unpack('(a32768)*', $answer), ''),
        pack 'CCnnCx NCx3', 1, FCGI_END, 1, FCGI_HEADER, 0, 0, 0;
    return;
}

# What comes behind the params: as much as these say.
sub _cgi_answer {
    my ($client, $note, $raw, $size, @params) = @_;

    my ($length) = map { $_->[1] || 0 }
        grep { $_->[0] eq 'CONTENT_LENGTH' } @params;
    _read($client, $raw, $size + ($length // 0));

    my $text = $note->($$raw, \@params, substr $$raw, $size);
    syswrite $client, "HTTP/1.0 200 OK\r\n" . _http_answer($text);
    return;
}

sub _pairs {
    my (@list) = @_;
    return map { [@list[2 * $_, 2 * $_ + 1]] } 0 .. $#list / 2;
}

sub _serve_uwsgi {
    my ($client, $note) = @_;

    my $raw = '';
    _read($client, \$raw, 4);
    my (undef, $size) = unpack 'CvC', $raw;
    _read($client, \$raw, 4 + $size);

    _cgi_answer($client, $note, \$raw, 4 + $size,
        _pairs(unpack '(v/a v/a)*', substr $raw, 4, $size));
    return;
}

# https://python.ca/scgi/protocol.txt
sub _serve_scgi {
    my ($client, $note) = @_;

    my $raw = '';
    _read($client, \$raw, qr/\A\d+:/);
    my ($size) = $raw =~ /\A(\d+):/;
    my $start = 1 + length $size;
    _read($client, \$raw, $start + $size + 1);

    _cgi_answer($client, $note, \$raw, $start + $size + 1,
        _pairs(split /\0/, substr($raw, $start, $size - 1), -1));
    return;
}

sub _serve_h2 {
    my ($client, $note) = @_;
    h2_serve($client, $note);
    return;
}

1;
