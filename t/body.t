#!/usr/bin/perl

# A client's body passes unharmed, whether or not Para has to be asked while it
# arrives; and what is refused leaves its connection in order.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Digest::SHA  qw(sha256_hex);
use Time::HiRes  qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    SLOW   => 150,                   # ms
    MB     => 1024 * 1024,
};

# Not compressible to a pattern: what is lost or doubled changes the digest.
my $two_mb = join '', map { pack 'N', ($_ * 2654435761) % 2**32 }
    1 .. 2 * MB / 4;

my %BODY = (
    'none'   => undef,
    'empty'  => '',
    '1 byte' => 'x',
    '1 KB'   => substr($two_mb, 0, 1024),
    '20 KB'  => substr($two_mb, 5, 20_000),
    '2 MB'   => $two_mb,
);

my $h2 = free_ports() + 5;

my $nginx = start_nginx(server => <<"CONF" . verify_location());
        listen 127.0.0.1:$h2 http2;
        para_auth app;
        client_max_body_size 8m;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location / { proxy_pass $APP_URL; }
        location /unbuffered {
            proxy_request_buffering off; proxy_pass $APP_URL;
        }
        location /small-buffer {
            client_body_buffer_size 1k; proxy_pass $APP_URL;
        }
        location /on-disk {
            client_body_in_file_only clean; proxy_pass $APP_URL;
        }
        location /limited {
            client_max_body_size 2k; proxy_pass $APP_URL;
        }
        location /page {
            error_page 401 = /open/page; proxy_pass $APP_URL;
        }
        location /open { para_auth off; proxy_pass $APP_URL; }
CONF

my @PLACES = qw(/ /unbuffered /small-buffer /on-disk);

sub arrived {
    my ($answer, $login, $body, $name) = @_;

    $body //= '';
    is($answer->{status}, 200, "$name: let in");

    my $seen = $answer->{json} // {};
    is($seen->{body_length}, length $body, "$name: length");
    is($seen->{body_sha256}, sha256_hex($body), "$name: content");
    is($seen->{para}{'X-Para-User-Id'}, $login->{userId}, "$name: who");
    return;
}

# Para is asked while the request is on its way, or was before.
sub a_session {
    my ($cold, $delay) = @_;

    my $login = login('alice');
    reset_para();
    if ($cold) {
        fault(VERIFY, 'slow', delay_ms => $delay // SLOW, times => 1);
    }
    else {
        is(get($nginx->{port}, '/', credentials($login))->{status},
            200, 'warm');
    }
    return $login;
}

sub chunked {
    my ($body, $size) = @_;

    my $text = '';
    for (my $at = 0; $at < length $body; $at += $size) {
        my $part = substr $body, $at, $size;
        $text .= sprintf "%x\r\n%s\r\n", length $part, $part;
    }
    return "${text}0\r\n\r\n";
}

sub post_text {
    my ($path, $headers, $body, %options) = @_;

    return request_text(
        $path,
        method  => 'POST',
        headers => "$headers\nTransfer-Encoding: chunked"
    ) . chunked($body // '', $options{chunk} // 7000) if $options{chunked};

    return request_text($path, method => 'POST', headers => $headers,
        body => $body);
}


# ---- HTTP/1.1 --------------------------------------------------------------

for my $cold (1, 0) {
    for my $place (@PLACES) {
        my $login = a_session($cold);

        for my $what (sort keys %BODY) {
            for my $chunked (0, 1) {
                next if $chunked && !defined $BODY{$what};

                my $name = join ', ', $place, $cold ? 'cold' : 'warm', $what,
                    $chunked ? 'chunked' : ();
                $login = a_session(1, 30) if $cold;

                my $socket = connect_to($nginx->{port});
                my $answer = exchange(
                    $socket,
                    post_text(
                        $place, credentials($login),
                        $BODY{$what}, chunked => $chunked
                    )
                );
                arrived($answer, $login, $BODY{$what}, $name);

                # And the connection goes on.
                is( exchange($socket,
                        request_text($place, headers => credentials($login)))
                        ->{status},
                    200,
                    "$name: next request"
                );
            }
        }
    }
}

# In pieces, the first of which may come before, while and after Para answers.
for my $place (@PLACES) {
    for my $chunked (0, 1) {
        for my $pause (0.005, 0.05) {
            my $login = a_session(1);
            my $body  = substr $two_mb, 0, 9000;
            my $name  = "$place, slowly, $pause s"
                . ($chunked ? ', chunked' : '');

            my $text = post_text($place, credentials($login), $body,
                chunked => $chunked, chunk => 500);
            my $end = 4 + index $text, "\r\n\r\n";

            my $socket = connect_to($nginx->{port});
            send_text($socket, substr $text, 0, $end);
            sleep $pause;
            send_slowly($socket, substr($text, $end), 900, $pause);

            arrived(read_answer($socket), $login, $body, $name);
            is(para_calls(VERIFY), 1, "$name: one call");
        }
    }
}

# Those who wait for another's call have bodies too.
{
    my $login  = a_session(1);
    my $leader = connect_to($nginx->{port});
    send_text($leader, post_text('/', credentials($login), $two_mb));

    my @names   = sort keys %BODY;
    my @waiting = map { connect_to($nginx->{port}) } @names;
    for my $i (0 .. $#names) {
        send_text($waiting[$i],
            post_text('/', credentials($login), $BODY{$names[$i]}));
    }

    arrived(read_answer($leader), $login, $two_mb, 'leader');
    arrived(read_answer($waiting[$_]), $login, $BODY{$names[$_]},
        "waiter, $names[$_]")
        for 0 .. $#names;
    is(para_calls(VERIFY), 1, 'waiters: one call');
}

# Expect: 100-continue: the body is asked for when somebody will have it.
for my $cold (1, 0) {
    for my $place (@PLACES) {
        my $login  = a_session($cold);
        my $name   = "$place, Expect, " . ($cold ? 'cold' : 'warm');
        my $socket = connect_to($nginx->{port});
        my $text   = post_text($place,
            credentials($login) . "\nExpect: 100-continue", $two_mb);
        my $end = 4 + index $text, "\r\n\r\n";

        my $began = time;
        send_text($socket, substr $text, 0, $end);
        my $line  = '';
        sysread $socket, $line, 25;
        is($line, "HTTP/1.1 100 Continue\r\n\r\n", "$name: 100");
        cmp_ok(time - $began, '>=', SLOW / 1000 * 0.8, "$name: not before")
            if $cold;

        send_text($socket, substr $text, $end);
        arrived(read_answer($socket), $login, $two_mb, $name);
    }
}


# ---- Refused ---------------------------------------------------------------

# Each: what is wrong, the headers, the status.
sub bad_ones {
    my $ended = login('bob');
    end_session($ended);
    my ($alice, $bob) = (login('alice'), login('bob'));

    return (
        ['nobody',  '',                               401],
        ['ended',   credentials($ended),              401],
        ['malformed', bearer('a b'),                  400],
        ['mixed', bearer($alice->{jwt}) . "\n"
                . credentials($bob, 'session'),       401],
    );
}

for my $what (sort keys %BODY) {
    for my $chunked (0, 1) {
        next if $chunked && !defined $BODY{$what};

        my $login = login('carol');
        reset_app();
        reset_para();

        for my $bad (bad_ones()) {
            my ($why, $headers, $status) = @$bad;
            my $name = "$why, $what" . ($chunked ? ', chunked' : '');
            my $text = post_text('/', $headers, $BODY{$what},
                chunked => $chunked);

            my $socket = connect_to($nginx->{port});
            my $answer = exchange($socket, $text);
            is($answer->{status}, $status, "$name: $status");

            # nginx itself closes after some refusals, as after 400.
            next if $answer->{close};

            # What was refused is not read as the next request.
            $answer = exchange($socket,
                post_text('/', credentials($login), 'next'));
            arrived($answer, $login, 'next', "$name, the next one");
            is(app_count(), 1, "$name: nothing else at the app");
            reset_app();
        }
    }
}

# The body of one who is refused comes slowly, after the refusal.
{
    my $login  = login('carol');
    my $ended  = login('bob');
    end_session($ended);
    reset_app();

    for my $headers ('', credentials($ended)) {
        reset_para();
        fault(VERIFY, 'slow', delay_ms => SLOW, times => 1);

        my $socket = connect_to($nginx->{port});
        my $text   = post_text('/', $headers, substr $two_mb, 0, 5000);
        my $end    = 4 + index $text, "\r\n\r\n";

        send_text($socket, substr $text, 0, $end + 100);
        sleep 0.05;
        send_slowly($socket, substr($text, $end + 100), 500, 0.05);

        is(read_answer($socket)->{status}, 401, 'slow and refused: 401');

        reset_para();
        arrived(
            exchange($socket, post_text('/', credentials($login), 'next')),
            $login, 'next', 'slow and refused, the next one');
    }
    is(app_count(), 2, 'slow and refused: nothing else at the app');
}

# Para does not answer: the same.
{
    my $login = login('dave');
    reset_para();
    reset_app();
    fault(VERIFY, '500', times => 1);

    my $socket = connect_to($nginx->{port});
    my $answer = exchange($socket,
        post_text('/', credentials($login), $two_mb));
    is($answer->{status}, 503, 'Para down, 2 MB: 503');
    is(app_count(), 0, 'Para down, 2 MB: nothing at the app');

    $socket = connect_to($nginx->{port}) if $answer->{close};
    arrived(
        exchange($socket, post_text('/', credentials($login), $two_mb)),
        $login, $two_mb, 'Para is back');
}

# A refusal's page is a GET; nginx lets it have the body, as it always does.
{
    reset_app();
    my $answer = exchange($nginx->{port}, post_text('/page', '', $two_mb));
    is($answer->{json}{path},   '/open/page', 'page of a refused POST');
    is($answer->{json}{method}, 'GET',        'page of a refused POST: GET');
    is(app_count(), 1, 'page of a refused POST: nothing else');
}

# Too much is too much, for those with and without credentials.
for my $cold (1, 0) {
    for my $chunked (0, 1) {
        my $name = '413, ' . ($cold ? 'cold' : 'warm')
            . ($chunked ? ', chunked' : '');
        my $login = a_session($cold);
        reset_app();

        my $answer = exchange(
            $nginx->{port},
            post_text(
                '/limited', credentials($login), 'x' x 3000,
                chunked => $chunked
            )
        );
        is($answer->{status}, 413, "$name: refused");
        is(app_count(), 0, "$name: nothing at the app");

        arrived(
            exchange(
                $nginx->{port},
                post_text(
                    '/limited', credentials($login), 'x' x 2048,
                    chunked => $chunked
                )
            ),
            $login, 'x' x 2048, "$name: what fits"
        );
    }
}


# ---- Pipelined -------------------------------------------------------------

for my $cold (1, 0) {
    my @logins = map { login($_) } qw(alice bob carol dave);
    reset_para();

    if ($cold) {
        fault(VERIFY, 'slow', delay_ms => 60, times => 1) for @logins;
    }
    else {
        get($nginx->{port}, '/', credentials($_)) for @logins;
    }

    my (@plan, $text);
    for my $i (0 .. 39) {
        my $login = $logins[$i % @logins];
        my $bad   = $i % 7 == 6;
        my $body  = $i % 3 ? substr $two_mb, $i, 100 * $i : undef;

        push @plan, [$login, $body, $bad];
        $text .= post_text(
            "/$i",
            $bad
            ? bearer($login->{jwt}) . "\n"
                . credentials($logins[($i + 1) % @logins], 'session')
            : credentials($login),
            $body,
            chunked => defined $body && $i % 2
        );
    }

    my $name   = 'pipelined, ' . ($cold ? 'cold' : 'warm');
    my $socket = connect_to($nginx->{port});
    send_text($socket, $text);

    for my $i (0 .. $#plan) {
        my ($login, $body, $bad) = @{$plan[$i]};
        my $answer = read_answer($socket);

        if ($bad) {
            is($answer->{status}, 401, "$name, $i: refused");
            next;
        }
        arrived($answer, $login, $body, "$name, $i");
        is($answer->{json}{path}, "/$i", "$name, $i: in order");
    }
}


# ---- HTTP/2 ----------------------------------------------------------------

for my $cold (1, 0) {
    for my $place (@PLACES) {
        my $login = a_session($cold);

        for my $what ('none', '1 KB', '2 MB') {
            my $name = join ', ', 'h2', $place, $cold ? 'cold' : 'warm', $what;
            $login = a_session(1) if $cold;

            my $file   = put_file('upload', $BODY{$what} // '');
            my @upload = defined $BODY{$what}
                ? ('--data-binary', "\@$file") : ();

            my $answer = curl_h2($h2, $place, credentials($login), @upload);
            is($answer->{version}, 2, "$name: it is HTTP/2");
            arrived($answer, $login, $BODY{$what}, $name);
        }
    }
}

# Pieces, and nobody says how many.
for my $cold (1, 0) {
    my $login = a_session($cold);
    my $body  = substr $two_mb, 0, 100_000;
    my $file  = put_file('upload', $body);
    my $name  = 'h2, slowly, ' . ($cold ? 'cold' : 'warm');

    my @headers = map { ('-H', "'$_'") } split /\n/, credentials($login);
    my $command =
          "perl -e '\$| = 1; open F, q($file); while (sysread F, \$x, 9000)"
        . " { print \$x; select undef, undef, undef, 0.02 }' |"
        . ' curl -s --http2-prior-knowledge --max-time 20 -X POST -T -'
        . " @headers http://127.0.0.1:$h2/";
    my $said = `$command`;
    my $json = eval { JSON::PP::decode_json($said) };

    arrived({status => $json ? 200 : $said, json => $json},
        $login, $body, $name);
}

# curl 7.88 takes the end of such a stream for an error: here another client.
sub nghttp_status {
    my ($path, $headers, $file) = @_;

    my @headers = map { ('-H', $_) } split /\n/, $headers;
    open my $out, '-|', 'nghttp', '-v', '-n', '-t', 20, '-d', $file, @headers,
        "http://127.0.0.1:$h2$path"
        or die "nghttp: $!";
    local $/;
    return <$out> =~ /recv \(stream_id=\d+\) :status: (\d+)/ ? $1 : 0;
}

# Refused streams.
{
    my $file = put_file('upload', $two_mb);
    reset_app();

    for my $bad (bad_ones()) {
        my ($why, $headers, $status) = @$bad;
        reset_para();
        is(nghttp_status('/', $headers, $file),
            $status, "h2, $why, 2 MB: $status");
    }
    is(app_count(), 0, 'h2, refused: nothing at the app');

    my $login = login('erin');
    reset_para();
    fault(VERIFY, '500', times => 1);
    is(nghttp_status('/', credentials($login), $file),
        503, 'h2, Para down, 2 MB: 503');
    is(nghttp_status('/', credentials($login), $file),
        200, 'h2, Para is back: 200');
    is(nghttp_status('/limited', credentials($login), $file),
        413, 'h2, 413');
    is(app_calls()->[0]{body_sha256}, sha256_hex($two_mb),
        'h2, Para is back: content');
}

is_healthy($nginx, 'all of this');

done_testing();
