#!/usr/bin/perl

# Exported sessions that are renewed are extended too, where that is wanted, and
# not more often.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaRenewal;
use ParaTls;
use Test::More;

use JSON::PP     ();
use MIME::Base64 qw(decode_base64 encode_base64);

make_certificates();


# ---- Keep-alive ------------------------------------------------------------

sub exported {
    my ($login, $session) = @_;
    return bearer($login->{jwt})
        . "\nX-Para-Session: "
        . ($session // $login->{exportedSession});
}

{
    my $nginx = renewing_gateway(
        valid    => 8,
        exported => 1,
        auth     => 'para_auth_keep_alive 16s;',
        workers  => 2
    );
    my $login = login('alice');
    my $alive = "/users/$login->{userId}/session/keep-alive";

    # Who it is, is not for the sender to say: here it says nothing.
    my $blob = JSON::PP::decode_json(decode_base64($login->{exportedSession}));
    delete $blob->{userId};
    my $headers = exported($login, encode_base64(JSON::PP::encode_json($blob),
        ''));

    reset_para();
    known($nginx, $headers);
    my @answers = busy($nginx, $headers, 43);

    is(waits(@answers), 0, 'keep-alive: all HIT');
    cmp_ok(slowest(@answers), '<', FAST, 'keep-alive: and fast');
    cmp_ok(scalar renewals(TOUCH), '>=', 5, 'keep-alive: renewed');

    my @calls   = renewals($alive);
    my @moments = map { $_->{time} } @calls;
    my @gaps    = map { $moments[$_] - $moments[$_ - 1] } 1 .. $#moments;

    cmp_ok(scalar @calls, '>=', 2, 'keep-alive: extended');
    cmp_ok(scalar @calls, '<=', 3, 'keep-alive: not each time');
    cmp_ok((sort { $a <=> $b } @gaps)[0], '>', 15.9,
        'keep-alive: once in the interval');
    is_deeply([map { $_->{status} } @calls], [(200) x @calls],
        'keep-alive: Para takes it');

    for my $call ((renewals(TOUCH))[0], $calls[0]) {
        is_deeply(
            $call->{header},
            {   'host'               => "127.0.0.1:$PARA_PORT",
                'user-agent'         => AGENT,
                'accept'             => 'application/json',
                'content-length'     => 0,
                'x-external-api-key' => $PARA_PUBLIC_KEY,
                'x-capsule-sid'      => $blob->{sessionCookie},
            },
            "$call->{path}: its headers, and no others"
        );
        is($call->{method}, 'POST', "$call->{path}: its method");
    }

    is_deeply([error_lines($nginx)], [], 'keep-alive: no errors');
    ok(index($nginx->error_log, $blob->{sessionCookie}) < 0,
        'keep-alive: no cookie in the log');
    is_healthy($nginx, 'keep-alive');
    $nginx->stop;
}

# Its failure costs nothing but a line.
{
    my $nginx = renewing_gateway(
        valid    => 8,
        exported => 1,
        auth     => 'para_auth_keep_alive 1s;'
    );
    my $login = login('bob');

    reset_para();
    fault("/users/$login->{userId}/session/keep-alive", '500');
    known($nginx, exported($login));
    my @answers = busy($nginx, exported($login), 18);

    is(waits(@answers), 0, 'keep-alive that fails: all HIT');
    my @errors = error_lines($nginx);
    is(scalar @errors, 1, 'keep-alive that fails: one line');
    like($errors[0], qr/cannot be kept alive \(status 500\)/,
        'keep-alive that fails: which says it');
    is_healthy($nginx, 'keep-alive that fails');
    $nginx->stop;
}

# Only where it is wanted, and of exported sessions only.
{
    my $nginx = renewing_gateway(valid => 4, exported => 1);
    my $login = login('alice');

    reset_para();
    known($nginx, exported($login));
    busy($nginx, exported($login), 5);
    cmp_ok(scalar renewals(TOUCH), '>=', 1, 'no keep-alive: renewed');
    is(scalar renewals("/users/$login->{userId}/session/keep-alive"),
        0, 'no keep-alive: not extended');
    $nginx->stop;
}


# ---- Configurations --------------------------------------------------------

sub says {
    my ($pattern, $name, %option) = @_;

    my $server = delete $option{server};
    my ($good, $output) = check_nginx(
        http   => http_config(%option),
        server => $server . verify_location() . <<"CONF");
        location / { proxy_pass $APP_URL; }
CONF
    ref $pattern
        ? like($output, $pattern, $name)
        : ok($good, $name)
        || diag $output;
    return;
}

{
    my $none = put_file('none.pem', "nothing\n");
    my $bad  = "        jwks_trusted_certificate $none;\n";
    my $way  = 'upstream localhost { server 127.0.0.1:1; }';
    my @tls  = (api => 'https://localhost', http => $way);

    says(
        qr/no certificates to check Para's by.*jwks_trusted.*refresh=off/,
        'CAs that are none',
        @tls,
        provider => $bad,
        server   => 'para_auth app;'
    );
    says(
        1, 'CAs that are none, and not needed',
        @tls,
        provider => $bad,
        server   => 'para_auth app; para_auth_session_cache refresh=off;'
    );
    says(
        1, 'the same without the session layer',
        @tls,
        provider => $bad,
        server   => 'para_auth app jwt;'
    );
    says(qr/invalid parameter "refresh=maybe"/,
        'refresh=maybe',
        server => 'para_auth app; para_auth_session_cache refresh=maybe;');
    says(qr/"para_auth_keep_alive" needs "refresh=on"/,
        'keep-alive without renewal',
        server => 'para_auth app; para_auth_session_cache refresh=off; '
            . 'para_auth_keep_alive on;');
    says(qr/"para_auth_keep_alive" takes "on", "off" or a time/,
        "keep-alive: $_", server => "para_auth app; para_auth_keep_alive $_;")
        for qw(0 0s often);
    says(1, "keep-alive: $_",
        server => "para_auth app; para_auth_keep_alive $_;")
        for qw(on off 30s);
}

done_testing();
