package ParaClient;

# HTTP clients for the suites that need more than one request at a time: kept
# connections that are written to by hand, and many connections at once.
#
#   my $answer = get($port, '/path', credentials($login));
#   $answer->{status}; $answer->{header}{'retry-after'}; $answer->{json}{para}
#
# An answer has: status, header (lower-case name => last value), headers (list
# of [name, value]), body, json (of the body, if it is an object), and close
# (the server closes).  "status 0" is no answer at all; "error" then says why.

use strict;
use warnings;

use Carp             qw(croak);
use Errno            qw(EAGAIN EINPROGRESS EINTR);
use Exporter         qw(import);
use IO::Poll         qw(POLLIN POLLOUT POLLERR POLLHUP);
use IO::Socket::INET ();
use JSON::PP         ();
use Time::HiRes      qw(sleep time);

our @EXPORT = qw(get request_text connect_to send_text send_slowly
    read_answer exchange burst abort_connection curl_h2 seen_by_app statuses);

use constant {
    TIMEOUT      => 15,
    CURL_TIMEOUT => 20,
    CHUNK        => 65536,
};

# What came after the last answer of a connection, by its descriptor.
my %rest;

# The text of a request.  Options: method, headers (text, lines), body, close
# (1: the server is asked to close), version.
sub request_text {
    my ($path, %options) = @_;

    my $method  = $options{method}  // 'GET';
    my $version = $options{version} // '1.1';
    my @lines   = grep {length} split /\r?\n/, $options{headers} // '';

    push @lines, 'Host: gateway.test' if !grep {/\AHost:/i} @lines;
    push @lines, 'Connection: close' if $options{close};
    push @lines, 'Content-Length: ' . length $options{body}
        if defined $options{body}
        && !grep {/\A(?:Content-Length|Transfer-Encoding):/i} @lines;

    return join("\r\n", "$method $path HTTP/$version", @lines, '', '')
        . ($options{body} // '');
}

sub connect_to {
    my ($port) = @_;

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $port,
        Timeout  => TIMEOUT,
    ) // croak "cannot connect to port $port: $@";

    delete $rest{fileno $socket};
    return $socket;
}

sub send_text {
    my ($socket, $text) = @_;

    local $SIG{PIPE} = 'IGNORE';
    for (my $sent = 0; $sent < length $text;) {
        my $n = syswrite $socket, $text, length($text) - $sent, $sent;
        return 0 if !defined $n && $! != EINTR;
        $sent += $n // 0;
    }

    return 1;
}

# In pieces of that many bytes, with a pause between them.
sub send_slowly {
    my ($socket, $text, $piece, $pause) = @_;

    for (my $at = 0; $at < length $text; $at += $piece) {
        sleep $pause if $at;
        send_text($socket, substr $text, $at, $piece) or return 0;
    }

    return 1;
}

# A client that does not say goodbye: the server sees a reset.
sub abort_connection {
    my ($socket) = @_;

    setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
        pack 'll', 1, 0;
    close $socket;

    return;
}

# One answer out of a buffer (taken away from it); undef if it is not whole.
sub _parse {
    my ($buffer, $method, $eof) = @_;

    my $end = index $$buffer, "\r\n\r\n";
    return if $end < 0;

    my ($line, @lines) = split /\r\n/, substr $$buffer, 0, $end;
    my ($status) = $line =~ m{\AHTTP/1\.[01] (\d{3})}
        or return {status => 0, error => "not HTTP: $line"};

    my (@headers, %header);
    for (@lines) {
        my ($name, $value) = split /:\s*/, $_, 2;
        push @headers, [$name, $value];
        $header{lc $name} = $value;
    }

    my $from = $end + 4;
    my $body;

    if ($status < 200) {
        substr $$buffer, 0, $from, '';
        return {interim => $status};
    }

    if ($method eq 'HEAD' || $status == 204 || $status == 304) {
        $body = '';
    }
    elsif (($header{'transfer-encoding'} // '') =~ /chunked/i) {
        $body = '';
        while (1) {
            pos($$buffer) = $from;
            $$buffer =~ /\G([0-9a-f]+)[^\r\n]*\r\n/gci or return;
            my $size = hex $1;
            $from = pos $$buffer;
            return if length($$buffer) < $from + $size + 2;
            $body .= substr $$buffer, $from, $size;
            $from += $size + 2;
            last if !$size;
        }
    }
    elsif (defined $header{'content-length'}) {
        my $size = $header{'content-length'};
        return if length($$buffer) < $from + $size;
        $body = substr $$buffer, $from, $size;
        $from += $size;
    }
    else {
        return if !$eof;
        $body = substr $$buffer, $from;
        $from = length $$buffer;
    }

    substr $$buffer, 0, $from, '';

    my $json = $body =~ /\A\{/ ? eval { JSON::PP::decode_json($body) } : undef;

    return {
        status  => $status,
        headers => \@headers,
        header  => \%header,
        body    => $body,
        json    => $json,
        close   => lc($header{connection} // '') eq 'close',
    };
}

# The next answer of a connection.  Options: method, timeout, interim (a
# reference to a list that gets the 1xx statuses).
sub read_answer {
    my ($socket, %options) = @_;

    my $end    = time + ($options{timeout} // TIMEOUT);
    my $buffer = \($rest{fileno $socket} //= '');
    my $eof;

    while (1) {
        while (my $answer = _parse($buffer, $options{method} // 'GET', $eof))
        {
            return $answer if !defined $answer->{interim};
            push @{$options{interim}}, $answer->{interim};
        }

        return {status => 0, error => 'closed', rest => $$buffer} if $eof;

        my $left = $end - time;
        return {status => 0, error => 'timeout'} if $left <= 0;

        my $bits = '';
        vec($bits, fileno $socket, 1) = 1;
        next if select($bits, undef, undef, $left) <= 0;

        my $n = sysread $socket, $$buffer, CHUNK, length $$buffer;
        $eof = 1 if !$n && !(!defined $n && $! == EINTR);
    }
}

# One request on a connection of its own, or on one that is given.
sub exchange {
    my ($port_or_socket, $text, %options) = @_;

    my $socket =
        ref $port_or_socket ? $port_or_socket : connect_to($port_or_socket);

    send_text($socket, $text);
    return read_answer($socket, %options);
}

# Options: those of request_text() and of read_answer().
sub get {
    my ($port, $path, $headers, %options) = @_;

    return exchange(
        $port,
        request_text($path, headers => $headers, close => 1, %options),
        %options
    );
}

# One request over HTTP/2 with curl, and more options of it.  The answer has
# status, version, body and json.
sub curl_h2 {
    my ($port, $path, $headers, @options) = @_;

    my @headers = map { ('-H', $_) } split /\n/, $headers;
    open my $out, '-|', 'curl', '-s', '--http2-prior-knowledge',
        '--max-time', CURL_TIMEOUT, '-w', "\n%{http_code} %{http_version}",
        @headers, @options, "http://127.0.0.1:$port$path"
        or croak "curl: $!";
    my $said = do { local $/; <$out> };
    close $out;

    my ($body, $status, $version) = $said =~ /\A(.*)\n(\d+) (\S+)\z/s
        or croak "curl said: $said";

    return {
        status  => $status,
        version => $version,
        body    => $body,
        json    => $body =~ /\A\{/ ? eval { JSON::PP::decode_json($body) }
        : undef,
    };
}

# Sends all requests at once, one connection each, and returns the answers in
# the same order.  Options: timeout (of all together).
sub burst {
    my ($port, $texts, %options) = @_;

    my $end  = time + ($options{timeout} // 2 * TIMEOUT);
    my $poll = IO::Poll->new;
    my (@answers, %open);

    for my $i (0 .. $#$texts) {
        my $socket = connect_to($port);
        $socket->blocking(0);
        $open{fileno $socket} =
            {socket => $socket, index => $i, out => $texts->[$i], in => ''};
        $poll->mask($socket => POLLIN | POLLOUT);
    }

    local $SIG{PIPE} = 'IGNORE';

    while (%open && time < $end) {
        $poll->poll(0.5);

        for my $one (values %open) {
            my $socket = $one->{socket};
            my $events = $poll->events($socket) or next;

            if (length $one->{out} && $events & POLLOUT) {
                my $n = syswrite $socket, $one->{out};
                substr $one->{out}, 0, $n, '' if $n;
                $poll->mask($socket => POLLIN) if !length $one->{out};
            }

            next if !($events & (POLLIN | POLLERR | POLLHUP));

            my $n = sysread $socket, $one->{in}, CHUNK, length $one->{in};
            next if !defined $n && ($! == EAGAIN || $! == EINTR);

            my $answer = _parse(\$one->{in}, 'GET', !$n);
            next if !$answer && $n;

            $answers[$one->{index}] = $answer
                // {status => 0, error => 'closed'};
            $poll->remove($socket);
            delete $open{fileno $socket};
            close $socket;
        }
    }

    $answers[$_->{index}] = {status => 0, error => 'timeout'}
        for values %open;

    return @answers;
}

# The values of a header as the sample application says in its answer that it
# saw it, in whatever spelling.
sub seen_by_app {
    my ($answer, $name) = @_;
    return map { $_->[1] }
        grep { lc($_->[0]) =~ tr/a-z0-9/-/cr eq lc $name }
        @{$answer->{json}{headers}};
}

# How many of these answers have each status.
sub statuses {
    my %count;
    $count{$_->{status}}++ for @_;
    return \%count;
}

1;
