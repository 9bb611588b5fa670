#!/usr/bin/perl

# Sessions are asked for again before their time is over, in the background: no
# request waits for it, nor the next one on the same connection, and what Para
# receives is nothing of any client's.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaRenewal;
use ParaTls;
use Test::More;

use JSON::PP    ();
use List::Util  qw(max sum0);
use Time::HiRes qw(sleep time);

make_certificates();


# ---- Once, and in time -----------------------------------------------------

for my $workers (1, 2, 4) {
    my $name  = "$workers worker(s)";
    my $nginx = renewing_gateway(workers => $workers, valid => 9);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    fault(VERIFY, 'slow', delay_ms => 150);

    my @answers = busy($nginx, credentials($login), 27);

    is_deeply(answers_by(status => @answers), {200 => scalar @answers},
        "$name: all let in");
    is(waits(@answers), 0, "$name: all at once");
    cmp_ok(slowest(@answers), '<', FAST, "$name: none waits");

    my @renewals = renewals();
    my @moments  = map { $_->{time} } para_requests(VERIFY);
    my @gaps     = map { $moments[$_] - $moments[$_ - 1] } 1 .. $#moments;

    # 70 to 90 % of 9 s, and the 150 ms
    cmp_ok(scalar @renewals, '>=', 3, "$name: renewed");
    cmp_ok(scalar @renewals, '<=', 5, "$name: once each time");
    is(para_calls(VERIFY), 1 + @renewals, "$name: nobody else asks");
    cmp_ok((sort { $a <=> $b } @gaps)[0], '>', 6.2, "$name: not too early");
    cmp_ok(max(@gaps),                    '<', 9,   "$name: nor too late");
    is_healthy($nginx, $name);
    $nginx->stop;
}

# Two seconds of waiting for Para are nobody's but the renewal's.
{
    my $nginx = renewing_gateway(workers => 2, valid => 40);
    my $login = login('bob');
    my $other = login('carol');

    reset_para();
    known($nginx, credentials($_)) for $login, $other;
    fault(VERIFY, 'slow', delay_ms => 2000);

    # one HTTP/2 connection; curl keeps none without TLS
    my @headers = map { ('-H', $_) } split /\n/, credentials($other);
    open my $h2, '-|', 'curl', '-sS', '--http2', '--cacert',
        "$PARA_DIR/trusted.crt", '--rate', '20/s', @headers,
        '-o', '/dev/null', '-w',
        '%{http_version} %{http_code} %header{x-cache} %{time_total} '
        . '%{num_connects}\n', "https://127.0.0.1:$nginx->{h2}/[1-840]"
        or die "curl: $!";

    my @answers = busy($nginx, credentials($login), 41);
    my @others  = map { [split] } <$h2>;
    close $h2;

    is(waits(@answers), 0, 'a slow Para: HTTP/1.1, all HIT');
    cmp_ok(slowest(@answers), '<', FAST, '... and fast');

    is(scalar(grep { "@$_[0 .. 2]" =~ /\A2 200 (?:HIT|REFRESH)\z/ } @others),
        scalar @others, 'a slow Para: HTTP/2, all HIT');
    is(sum0(map { $_->[4] } @others), 1, '... on one connection');
    cmp_ok(max(map { $_->[3] } @others), '<', FAST, '... and fast');
    cmp_ok(scalar @others, '>', 700, '... many of them');

    is(scalar renewals(), 2, 'a slow Para: each is renewed once');
    is(para_calls(VERIFY), 4, 'a slow Para: and asked for by nobody else');
    is_healthy($nginx, 'a slow Para');
    $nginx->stop;
}

# A session that has ended is refused when that is found out, not later.
{
    my $nginx = renewing_gateway(valid => 12);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    my $began = time;
    end_session($login);

    my @answers = busy(
        $nginx,
        credentials($login),
        16,
        each => sub { $_[0]{status} != 200 }
    );
    my $last = pop @answers;

    is(waits(@answers), 0, 'ended: it goes on until it is renewed');
    is($last->{status}, 401, 'ended: then it is refused');
    cmp_ok($last->{began} - $began, '>', 8, '... not before');
    cmp_ok($last->{began} - $began, '<', 11.8, '... long before its time');
    is(para_calls(VERIFY), 2, 'ended: Para was asked twice');
    is(get($nginx->{port}, '/', credentials($login))->{status}, 401,
        'ended: for good');
    is_deeply([error_lines($nginx)], [], 'ended: that is no error');
    $nginx->stop;
}

{
    my $nginx = renewing_gateway(valid => 2, cache => 'refresh=off');
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));

    my @answers = busy($nginx, credentials($login), 5);
    my $states  = answers_by(cache => @answers);

    is(scalar renewals(), 0, 'refresh=off: none');
    is($states->{MISS}, 2, 'refresh=off: requests wait for it');
    is(para_calls(VERIFY), 3, '... and ask for it');
    $nginx->stop;
}

# Who does not come costs nothing.
{
    my $nginx = renewing_gateway(valid => 2);

    reset_para();
    known($nginx, credentials(login('alice')));
    sleep 3;
    is(para_calls(VERIFY), 1, 'an idle session is not renewed');
    $nginx->stop;
}


# ---- What Para receives ----------------------------------------------------

{
    my $nginx = renewing_gateway(valid => 4);
    my $login = login('alice');
    my $token = $login->{verificationToken};

    reset_para();
    my @mine = (
        credentials($login), 'Cookie: mine=1',
        'X-Forwarded-For: 192.0.2.1', 'X-Mine: 1',
        'User-Agent: mine', 'Accept-Language: mine',
        'Content-Type: text/mine', 'Referer: http://mine.example/'
    );
    known($nginx, join "\n", @mine);
    busy($nginx, join("\n", @mine), 4);

    my ($call) = renewals();
    ok($call, 'a renewal');

    is_deeply(
        {%{$call->{header}}},
        {   'host'               => "127.0.0.1:$PARA_PORT",
            'user-agent'         => AGENT,
            'accept'             => 'application/json',
            'content-type'       => 'application/json',
            'content-length'     => length $call->{body},
            'x-external-api-key' => get_secret(),
        },
        'its headers, and no others'
    );
    is($call->{method}, 'POST', 'its method');
    is_deeply(JSON::PP::decode_json($call->{body}),
        {verificationToken => $token}, 'its body');

    my $log = $nginx->error_log;
    ok(index($log, $token) < 0 && index($log, get_secret()) < 0,
        'the log has neither key nor token');
    $nginx->stop;
}

sub get_secret {
    open my $in, '<', "$PARA_DIR/secret.key" or die $!;
    chomp(my $secret = <$in>);
    return $secret;
}

# One connection serves many.
{
    my $nginx  = renewing_gateway(valid => 4);
    my @logins = map { login('alice') } 1 .. 5;

    reset_para();
    known($nginx, credentials($_)) for @logins;
    my $before = calls()->{connections};
    my $end    = time + 16;
    while (time < $end) {
        get($nginx->{port}, '/', credentials($_)) for @logins;
        sleep 0.05;
    }

    cmp_ok(scalar renewals(), '>=', 15, 'many renewals');
    cmp_ok(calls()->{connections} - $before, '<=', 5, '... few connections');
    is_healthy($nginx, 'connections');
    $nginx->stop;
}

done_testing();
