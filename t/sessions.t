#!/usr/bin/perl

# What all workers share about sessions: one call where thousands would have
# gone, whoever dies or goes away over it; a breaker, limits, stale verdicts.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use POSIX       ();
use Time::HiRes qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    MANY   => 1000,
    SLOW   => 1500,                  # ms, for all of them to come meanwhile
    LIMIT  => 20,                    # calls a minute for one JWT
    FLIGHT => 64,                    # calls at once with a small zone
};

# Options: workers, cache (parameters), zone, http, server (more lines).  The
# kernel spreads connections to {spread} over the workers.
sub gateway {
    my (%options) = @_;

    my $cache  = delete $options{cache} // 'refresh=off';
    my $zone   = delete $options{zone};
    my $verify = verify_location();
    my $more   = delete $options{server} // '';
    if (my $abort = delete $options{abort}) {
        $verify =~ s/proxy_ignore_client_abort\s+on/$abort/ or die;
    }

    my $spread = free_ports() + 5;
    my %conf   = (
        http   => http_config(zone => $zone),
        events => 'worker_connections 4096;',
        server => <<"CONF" . $verify . $more,
        listen 127.0.0.1:$spread reuseport backlog=2048;
        keepalive_requests 100000;
        add_header X-Cache \$para_auth_cache always;
        add_header X-User \$para_auth_user_id always;
        add_header X-Pid \$pid always;
        para_auth app;
        para_auth_session_cache $cache;
        location / { empty_gif; }
        location /open { para_auth off; empty_gif; }
        location /metrics { para_auth off; para_auth_metrics; }
        location /short {
            para_auth_session_cache valid=1s stale=0 refresh=off;
            empty_gif;
        }
        location /jwt { para_auth app jwt; empty_gif; }
        location /session { para_auth app session; empty_gif; }
CONF
        %options
    );

    my $nginx = start_nginx(%conf);
    $nginx->{spread} = $spread;

    return $nginx;
}

sub slowly {
    my (%options) = @_;
    reset_para();
    fault(VERIFY, 'slow', delay_ms => SLOW, %options);
    return;
}

sub values_of {
    my ($name, @answers) = @_;
    my %count;
    $count{$_->{header}{$name} // ''}++ for @answers;
    return \%count;
}

sub text_of {
    my ($login, %options) = @_;
    return request_text($options{path} // '/',
        headers => credentials($login), close => 1);
}

sub try {
    my ($nginx, $login, %options) = @_;
    return get($nginx->{spread}, $options{path} // '/', credentials($login));
}

# A kept connection to a worker: one of those in the list, or one that is not.
sub connect_to_worker {
    my ($nginx, $test) = @_;

    for (1 .. 200) {
        my $socket = connect_to($nginx->{spread});
        my $pid = exchange($socket, request_text('/open'))->{header}{'x-pid'};
        return ($socket, $pid) if $test->($pid);
        close $socket;
    }
    die 'no such worker';
}

# How long it took until the workers that wait were told: (n, ms, ms), the last
# two being what the 99th percentile is above, and what it is not.
sub wakeups_of {
    my ($nginx) = @_;

    my $body = get($nginx->{spread}, '/metrics?format=prometheus')->{body};
    my ($all) = $body =~ /^para_auth_wakeup_seconds_count (\d+)$/m
        or die "no wake-ups: $body";

    my $above = 0;
    while ($body =~ /^para_auth_wakeup_seconds_bucket\{le="(.+)"\} (\d+)$/mg) {
        return ($all, $above, $1 * 1000) if $2 >= 0.99 * $all;
        $above = $1 * 1000;
    }
    die "no such bucket: $body";
}

# How much longer than it should a sleep of 5 ms takes now, at worst: what the
# machine is busy with otherwise is no fault of the module's.  Returns a
# function that ends it, and tells.
sub watch_machine {
    my $pid = open(my $in, '-|') // die "fork: $!";

    if (!$pid) {
        my ($worst, $end) = (0, 0);
        local $SIG{TERM} = sub { $end = 1 };
        while (!$end) {
            my $began = time;
            sleep 0.005;
            my $late = (time - $began) * 1000 - 5;
            $worst = $late if $late > $worst && !$end;
        }
        syswrite STDOUT, int($worst + 1) . "\n";
        POSIX::_exit(0);
    }

    return sub {
        kill 'TERM', $pid;
        chomp(my $worst = <$in>);
        close $in;
        return $worst;
    };
}

sub ends_well {
    my ($nginx, $name) = @_;
    is_healthy($nginx, $name);
    $nginx->stop;
    return;
}


# ---- A thousand at once -----------------------------------------------------

for my $workers (2, 4) {
    my $nginx = gateway(workers => $workers);
    my $name  = "$workers workers";
    my $busy  = watch_machine();
    my $elsewhere = 0;

    for my $round (1 .. 3) {
        my $login = login('alice');
        slowly();

        my @answers = burst($nginx->{spread}, [(text_of($login)) x MANY]);

        is_deeply(statuses(@answers), {200 => MANY}, "$name: all let in");
        is(para_calls(VERIFY), 1, "$name: one call");
        is_deeply(values_of('x-user', @answers),
            {$login->{userId} => MANY}, "$name: each as who it is");
        is(scalar keys %{values_of('x-pid', @answers)},
            $workers, "$name: all of them had some");

        my $states = values_of('x-cache', @answers);
        is($states->{MISS}, 1, "$name: one asked");
        cmp_ok($states->{WAIT}, '>', MANY / 2, "$name: others waited");

        my ($asker) = grep { $_->{header}{'x-cache'} eq 'MISS' } @answers;
        $elsewhere += grep {
            $_->{header}{'x-cache'} eq 'WAIT'
                && $_->{header}{'x-pid'} ne $asker->{header}{'x-pid'}
        } @answers;
    }

    # From the answer's publication to the wake-up, in the other workers.
    my $late = $busy->();
    my ($woken, $above, $upto) = wakeups_of($nginx);
    my $bound = $late < 10 ? 50 : 50 + $late;
    diag("$name: $woken woken, p99 after $above to $upto ms; the machine is "
            . "$late ms late");
    is($woken, $elsewhere, "$name: as many were woken as waited elsewhere");
    cmp_ok($above, '<', $bound, "$name: p99 of the wake-ups");

    # What Para does not say is told to all, and not kept.
    for my $mode (qw(500 html truncated)) {
        my $login = login('bob');
        reset_para();
        fault(VERIFY, $mode, delay_ms => SLOW, times => 1);

        my @answers = burst($nginx->{spread}, [(text_of($login)) x 200]);
        is_deeply(statuses(@answers), {503 => 200}, "$name, $mode: 503");
        is(para_calls(VERIFY), 1, "$name, $mode: one call");
        is(try($nginx, $login)->{status}, 200, "$name, $mode: asked again");
    }

    # An ended session refuses them all, and is known as ended everywhere.
    my $login = login('carol');
    end_session($login);
    slowly();
    my @answers = burst($nginx->{spread}, [(text_of($login)) x 200]);
    is_deeply(statuses(@answers), {401 => 200}, "$name, ended: 401");
    is(para_calls(VERIFY), 1, "$name, ended: one call");

    # Nothing is kept long enough to be found, and still nobody asks twice.
    my $other = gateway(workers => $workers,
        cache => 'valid=0 negative=0 refresh=off');
    $login = login('dave');
    slowly();
    @answers = burst($other->{spread}, [(text_of($login)) x 200]);
    is_deeply(statuses(@answers), {200 => 200}, "$name, not kept: all let in");
    is(para_calls(VERIFY), 1, "$name, not kept: one call");

    ends_well($nginx, $name);
    ends_well($other, "$name, not kept");
}


# ---- The caller goes away, or dies ----------------------------------------

for my $abort ('proxy_ignore_client_abort on',
    'proxy_ignore_client_abort off')
{
    my $nginx = gateway(workers => 2, abort => $abort);
    my $calls = $abort =~ /on$/ ? 1 : 2;

    for my $how (qw(close reset)) {
        my $login = login('alice');
        slowly(times => 1);

        my ($caller, $pid) = connect_to_worker($nginx, sub {1});
        my @waiting = map { (connect_to_worker($nginx, $_))[0] }
            (sub { $_[0] != $pid }) x 20, (sub { $_[0] == $pid }) x 5;

        send_text($caller, text_of($login));
        wait_for_calls(VERIFY, 1);
        send_text($_, text_of($login)) for @waiting;
        sleep 0.1;

        my $began = time;
        $how eq 'close' ? close $caller : abort_connection($caller);

        my @answers = map { read_answer($_) } @waiting;
        cmp_ok(time - $began, '<', 4, "$abort, $how: soon");
        is_deeply(statuses(@answers), {200 => 25},
            "$abort, $how: others let in, here and there");
        is(para_calls(VERIFY), $calls, "$abort, $how: $calls call(s)");
    }

    ends_well($nginx, $abort);
}

{
    my $nginx = gateway(workers => 2);

    for my $round (1 .. 3) {
        my $login = login('bob');
        reset_para();
        fault(VERIFY, 'slow', delay_ms => 8000, times => 1);

        my ($caller, $pid) = connect_to_worker($nginx, sub {1});
        my @waiting = map {
            (connect_to_worker($nginx, sub { $_[0] != $pid }))[0]
        } 1 .. 20;

        send_text($caller, text_of($login));
        wait_for_calls(VERIFY, 1);
        send_text($_, text_of($login)) for @waiting;
        sleep 0.1;

        my $began = time;
        kill 'KILL', $pid;
        my @answers = map { read_answer($_) } @waiting;
        my $took = time - $began;

        is_deeply(statuses(@answers), {200 => 20},
            "caller killed, round $round: others let in");
        is(para_calls(VERIFY), 2,
            "caller killed, round $round: one call more");
        cmp_ok($took, '<', 5, "caller killed, round $round: soon");

        wait_until(5, sub {
            my %pid;
            $pid{get($nginx->{spread}, '/open', '')->{header}{'x-pid'} // ''}++
                for 1 .. 20;
            delete @pid{'', $pid};
            return keys %pid == 2;
        }) or die 'no new worker';
    }

    my $log = $nginx->error_log;
    unlike($log, qr/exited on signal (?!9\b)|begins anew/,
        'caller killed: and that was all');
    $nginx->stop;
}


# ---- Stale verdicts -------------------------------------------------------

{
    my $nginx = gateway(workers => 2,
        cache => 'valid=1s stale=30s refresh=off', server => <<'CONF');
        location /brief {
            para_auth_session_cache valid=1s stale=1s refresh=off;
            empty_gif;
        }
CONF

    # Failures that bridge, and what Para says that does not.
    my %bridges = (
        (map { $_ => 1 } qw(500 429 reset close html truncated oversized)),
        (map { $_ => 0 } qw(403 401 wrong_types))
    );

    for my $mode (sort keys %bridges) {
        my $login = login('alice');
        reset_para();
        is(try($nginx, $login)->{header}{'x-cache'}, 'MISS',
            "stale, $mode: known");
        sleep 1.1;

        fault(VERIFY, $mode);
        my $answer = try($nginx, $login);
        is($answer->{status}, $bridges{$mode} ? 200 : $mode eq '403' ? 401
            : 503, "stale, $mode: $answer->{status}");
        is($answer->{header}{'x-cache'} // '', $bridges{$mode} ? 'STALE' : '',
            "stale, $mode: said so");
        is(para_calls(VERIFY), 2, "stale, $mode: Para was asked");
        is($answer->{header}{'x-user'}, $login->{userId},
            "stale, $mode: as who it is")
            if $bridges{$mode};

        # And another session, that was never seen, gets nothing of it.
        is(try($nginx, login('bob'))->{status}, $mode eq '403' ? 401 : 503,
            "stale, $mode: not for who was never seen");

        # A refusal is never forgotten for an outage that follows.
        if ($mode eq '403') {
            reset_para();
            fault(VERIFY, '500');
            is(try($nginx, $login)->{status}, 401, 'stale: ended is ended');
            sleep 5.1;
            is(try($nginx, $login)->{status}, 503,
                'stale: and does not come back when that is forgotten');
        }

        reset_para();
        is(try($nginx, login('carol'))->{status}, 200,
            "stale, $mode: it is over");
    }

    # All waiters in all workers are bridged by one failure.
    my $login = login('dave');
    reset_para();
    try($nginx, $login);
    sleep 1.1;
    fault(VERIFY, 'answer', status => 502, delay_ms => SLOW);
    my @answers = burst($nginx->{spread}, [(text_of($login)) x 200]);
    is_deeply(statuses(@answers), {200 => 200}, 'stale: all are bridged');
    is(para_calls(VERIFY), 2, 'stale: by one call');
    is_deeply(values_of('x-cache', @answers), {STALE => 200},
        'stale: and all are told');

    # It has an end.
    reset_para();
    $login = login('erin');
    try($nginx, $login);
    sleep 2.1;
    fault(VERIFY, '500', times => 1);
    is(try($nginx, $login, path => '/brief')->{status}, 503,
        'stale: not longer than that');
    is(try($nginx, $login, path => '/short')->{status}, 200,
        'stale: it is still good');
    sleep 1.1;
    fault(VERIFY, '500', times => 1);
    is(try($nginx, $login, path => '/short')->{status}, 503,
        'stale: not where it is not wanted');
    fault(VERIFY, '500', times => 1);
    is(try($nginx, $login)->{header}{'x-cache'}, 'STALE',
        'stale: but where it is');

    ends_well($nginx, 'stale');
}


# ---- The breaker ----------------------------------------------------------

{
    my $nginx = gateway(workers => 2,
        cache => 'valid=1s stale=60s refresh=off');
    my $known = login('alice');
    my @new   = map { login('bob') } 1 .. 12;

    reset_para();
    is(try($nginx, $known)->{status}, 200, 'breaker: all is well');
    sleep 1.1;

    reset_para();
    fault(VERIFY, '500');
    is(try($nginx, $new[$_])->{status}, 503, 'breaker: a failure') for 0 .. 4;
    is(para_calls(VERIFY), 5, 'breaker: each was asked about');

    my $began   = time;
    my @answers = map { try($nginx, $_) } @new[5 .. 9], $known;
    my $took    = time - $began;
    is_deeply(statuses(@answers), {503 => 5, 200 => 1},
        'breaker: then fails at once, but who is bridged');
    is($answers[5]{header}{'x-cache'}, 'STALE', 'breaker: who is bridged');
    is_deeply([map { $_->{header}{'retry-after'} } @answers[0 .. 4]],
        [(1) x 5], 'breaker: come back in a second');
    is(para_calls(VERIFY), 5, 'breaker: without a call');
    cmp_ok($took, '<', 0.7, 'breaker: fast');

    # One probe, while the others go on to fail fast.
    sleep 1.1;
    reset_para();
    fault(VERIFY, 'answer', status => 500, delay_ms => SLOW);
    $began = time;
    @answers =
        burst($nginx->{spread}, [map { text_of($_) } @new, $known, $known]);
    is_deeply(statuses(@answers), {503 => 12, 200 => 2}, 'breaker: a probe');
    is(para_calls(VERIFY), 1, 'breaker: one probe');

    # The pause grows, from 0.75 to 1 s to twice as much; then Para is back.
    reset_para();
    ok(wait_until(10, sub { try($nginx, $new[0])->{status} == 200 }),
        'breaker: the probe is let in');
    cmp_ok(time - $began, '>', SLOW / 1000 + 1.4, 'breaker: a longer pause');
    is(para_calls(VERIFY), 1, 'breaker: without a call before');
    is_deeply(statuses(map { try($nginx, $_) } @new, $known), {200 => 13},
        'breaker: closed');

    my $log = $nginx->error_log;
    my @told = $log =~ /(Para is taken for down|Para is back)/g;
    is_deeply(\@told, ['Para is taken for down', 'Para is back'],
        'breaker: the log tells, once each');
    ends_well($nginx, 'breaker');
}

# A probe whose client goes away is had by the next one, at once.
{
    my $nginx = gateway(workers => 2, abort => 'proxy_ignore_client_abort off');
    my @new   = map { login('dave') } 1 .. 7;

    reset_para();
    fault(VERIFY, '500', times => 5);
    is(try($nginx, $new[$_])->{status}, 503, 'lost probe: a failure')
        for 0 .. 4;
    fault(VERIFY, 'slow', times => 1, delay_ms => 2500);
    sleep 1.1;

    my $probe = connect_to($nginx->{spread});
    send_text($probe, text_of($new[5]));
    wait_for_calls(VERIFY, 6);
    is(try($nginx, $new[6])->{status}, 503, 'lost probe: one at a time');
    abort_connection($probe);

    ok(wait_until(2, sub { try($nginx, $new[6])->{status} == 200 }),
        'lost probe: the next one');
    is(para_calls(VERIFY), 7, 'lost probe: two probes');
    ends_well($nginx, 'lost probe');
}

# Para's own word on when to come back, for all workers.
for my $status (429, 503) {
    my $nginx = gateway(workers => 2);
    my ($first, @others) = map { login('carol') } 1 .. 6;

    reset_para();
    fault(VERIFY, $status, retry_after => 2, times => 1);
    my $answer = try($nginx, $first);
    is($answer->{status}, 503, "$status: 503");
    is($answer->{header}{'retry-after'}, 2, "$status: with Para's time");

    my @answers = map { try($nginx, $_) } @others, $first;
    is_deeply(statuses(@answers), {503 => 6}, "$status: nobody asks");
    is(para_calls(VERIFY), 1, "$status: without a call");
    is_deeply([grep { !/^[12]$/ } map { $_->{header}{'retry-after'} }
                @answers], [], "$status: what is left of it");

    sleep 2.1;
    is_deeply(statuses(map { try($nginx, $_) } @others, $first), {200 => 6},
        "$status: then it is asked");

    ends_well($nginx, $status);

    # At least a second; and a day is a minute.
    for my $pair ([0 => 1], [86_400 => 60]) {
        my ($said, $kept) = @$pair;
        $nginx = gateway(workers => 2);
        reset_para();
        fault(VERIFY, $status, retry_after => $said, times => 1);
        is(try($nginx, $first)->{header}{'retry-after'}, $kept,
            "$status, $said s: Retry-After $kept");
        is(try($nginx, $first)->{header}{'retry-after'}, $kept,
            "$status, $said s: for all");
        is(para_calls(VERIFY), 1, "$status, $said s: one call");
        $nginx->stop;
    }
}


# ---- Limits ---------------------------------------------------------------

{
    my $nginx = gateway(workers => 2, cache => 'valid=1s refresh=off');
    my $login = login('alice');
    my $other = login('bob');

    reset_para();
    is(try($nginx, $login)->{status}, 200, 'limit: good at first');

    my @answers = map {
        try($nginx, {%$login, verificationToken => "made-up-$_"})
    } 1 .. LIMIT + 10;
    is_deeply(statuses(@answers), {401 => LIMIT - 1, 503 => 11},
        'limit: so many made-up sessions of one JWT');
    is(para_calls(VERIFY), LIMIT, 'limit: so many calls');
    cmp_ok($answers[-1]{header}{'retry-after'}, '>', 40, 'limit: Retry-After');
    cmp_ok($answers[-1]{header}{'retry-after'}, '<=', 70, 'limit: a minute');

    is(try($nginx, $other)->{status}, 200, 'limit: others go on');
    sleep 1.1;
    is(try($nginx, $login)->{status}, 200,
        'limit: so does his own session, which is known');
    is(try($nginx, {%$login, jwt => para_jwt('alice', jti => 'new')})->{status},
        200, 'limit: it is the token that is limited');

    # Where only the session counts, a client is limited.
    @answers = map {
        get($nginx->{spread}, '/session', "X-Para-Session: made-up-so-$_")
    } 1 .. LIMIT + 5;
    is_deeply(statuses(@answers), {401 => LIMIT, 503 => 5},
        'limit: so many of one address');
    like($nginx->error_log, qr/reason calls_limited/, 'limit: the log says it');

    ends_well($nginx, 'limit');
}

# A small zone: calls at once, junk, and more than it holds.
{
    my $nginx = gateway(workers => 2, zone => '128k');
    my @login = map { login('alice') } 1 .. FLIGHT + 30;
    $_->{jwt} = para_jwt('alice', jti => "at once $_") for @login;

    slowly();
    my @answers = burst($nginx->{spread}, [map { text_of($_) } @login]);
    is_deeply(statuses(@answers), {200 => FLIGHT, 503 => 30},
        'calls at once: so many');
    is(calls()->{max_in_flight}, FLIGHT, 'calls at once: not more');
    reset_para();
    is_deeply(statuses(map { try($nginx, $_) } @login),
        {200 => FLIGHT + 30}, 'calls at once: then all');

    my $good = login('bob');
    try($nginx, $good);
    reset_para();

    my %status;
    for my $n (1 .. 80) {
        my $jwt = para_jwt('carol', jti => "junk $n");
        $status{try($nginx, {jwt => $jwt, verificationToken => "junk-$n-$_"})
                ->{status}}++
            for 1 .. LIMIT;
    }
    is_deeply(\%status, {401 => 80 * LIMIT}, 'junk: refused');
    is(para_calls(VERIFY), 80 * LIMIT, 'junk: Para was asked');
    is(try($nginx, $good)->{header}{'x-cache'}, 'HIT',
        'junk: a good session is still known');

    # Much more than the zone holds.
    my $wrong = 0;
    for my $n (1 .. 800) {
        my $login = login((qw(dave erin frank))[$n % 3]);
        $login->{jwt} = para_jwt($login, jti => "full $n");
        my $answer = try($nginx, $login);
        $wrong++
            if $answer->{status} != 200
            || $answer->{header}{'x-user'} ne $login->{userId};
    }
    is($wrong, 0, 'full: all are let in, each as who it is');

    my $login = login('alice');
    slowly();
    @answers = burst($nginx->{spread}, [(text_of($login)) x 200]);
    is_deeply(statuses(@answers), {200 => 200}, 'full: all let in');
    is(para_calls(VERIFY), 1, 'full: one call');

    ends_well($nginx, 'small zone');
}


# ---- Reload ---------------------------------------------------------------

{
    my $nginx = gateway(workers => 2);
    my $conf  = "$nginx->{dir}/nginx.conf";
    my $login = login('erin');

    reset_para();
    is(try($nginx, $login)->{header}{'x-cache'}, 'MISS', 'reload: asked');

    my $reload = sub {
        my ($from, $to) = @_;
        my $old = get($nginx->{spread}, '/open', '')->{header}{'x-pid'};
        open my $in, '<', $conf or die "$conf: $!";
        my $text = do { local $/; <$in> };
        $text =~ s/$from/$to/ or die "no $from";
        open my $out, '>', $conf or die "$conf: $!";
        print {$out} $text;
        close $out;
        $nginx->reload;
        wait_until(5, sub {
            my %pid = map { (get($nginx->{spread}, '/open', '')
                ->{header}{'x-pid'} // '') => 1 } 1 .. 10;
            return !kill(0, $old) && !$pid{$old} && !$pid{''};
        }) or die 'no reload';
        return;
    };

    $reload->(qr/refresh=off/, 'refresh=off stale=1s');
    is(try($nginx, $login)->{header}{'x-cache'}, 'HIT', 'reload: it is kept');
    is(para_calls(VERIFY), 1, 'reload: without a call');

    # Another policy has other identities, of the same session.
    $reload->(qr/para_auth app;/, 'para_auth app; para_auth_match present;');
    is(try($nginx, $login)->{header}{'x-cache'}, 'HIT',
        'another policy: Para said so before');
    is(para_calls(VERIFY), 1, 'another policy: without a call');

    # Another key asks for itself.
    put_file('other.key', "sk_other_key_of_the_same_length_0001\n", 0400);
    $reload->(qr/secret_key_file \S+;/,
        "secret_key_file $PARA_DIR/other.key;");
    is(try($nginx, $login)->{status}, 503, 'another key: nothing is known');
    is(para_calls(VERIFY), 2, 'another key: asks for itself');

    $nginx->stop;
}


# A worker stands still over its call until its mark is lost: another one asks.
{
    my $nginx = gateway(workers => 2, cache => 'negative=60s refresh=off');
    my $login = login('dave');

    my ($caller, $pid) = connect_to_worker($nginx, sub {1});
    my ($next) = connect_to_worker($nginx, sub { $_[0] != $pid });

    reset_para();
    fault(VERIFY, 'slow', times => 1, delay_ms => 2000);
    send_text($caller, text_of($login));
    wait_for_calls(VERIFY, 1);

    # it waits by now, and holds no lock
    sleep 1;
    kill 'STOP', $pid;
    sleep 15;

    fault(VERIFY, '403');
    my $answer = exchange($next, text_of($login));
    is($answer->{status}, 401, 'caller stopped: another one asks')
        || diag(explain($answer), $nginx->error_log);
    kill 'CONT', $pid;
    isnt(read_answer($caller)->{status}, 0, 'caller stopped: it goes on');

    is_deeply(statuses(map { try($nginx, $login) } 1 .. 10), {401 => 10},
        'caller stopped: nobody is told otherwise');
    is(para_calls(VERIFY), 2, 'caller stopped: two calls');

    ends_well($nginx, 'caller stopped');
}

# A worker dies with the table in its hands, and with it goes the mark of a call
# that another one has in the air.  A third one asks again, and is told that the
# session has ended: the answer of before comes too late.
SKIP: {
    skip 'the module is part of nginx here: nothing to tell it by', 1
        if !$ENV{TEST_NGINX_LOAD_MODULES};

    my $shim = "$PARA_DIR/kill_at_copy.so";
    my $file = "$PARA_DIR/kill-at";
    system('gcc', '-shared', '-fPIC', '-O1', '-fno-builtin', '-o', $shim,
        "$FindBin::Bin/helpers/kill_at_copy.c") == 0
        or die "the shim does not compile\n";

    my $nginx = do {
        local $ENV{LD_PRELOAD}     = $shim;
        local $ENV{PARA_KILL_FILE} = $file;
        gateway(workers => 3, cache => 'negative=60s refresh=off',
            main => "env LD_PRELOAD;\nenv PARA_KILL_FILE;\n");
    };
    my $emptied = 0;

    for my $at (1 .. 60) {
        my ($login, $other) = (login('erin'), login('frank'));
        reset_para();
        fault(VERIFY, 'slow', times => 1, delay_ms => 1500);

        my ($caller, $pid) = connect_to_worker($nginx, sub {1});
        my ($victim, $dead) =
            connect_to_worker($nginx, sub { $_[0] != $pid });
        my ($next) = connect_to_worker($nginx,
            sub { $_[0] != $pid && $_[0] != $dead });

        send_text($caller, text_of($login));
        wait_for_calls(VERIFY, 1);

        put_file('kill-at', "$at\n");
        my $lived = exchange($victim, text_of($other))->{status};
        unlink $file;
        last if $lived;

        # Only a death inside makes the next one begin anew.
        exchange(connect_to($nginx->{spread}), text_of($other))
            for 1 .. 2;
        $emptied = () = $nginx->error_log =~ /begins anew/g;
        next if !$emptied;

        fault(VERIFY, '403');
        is(exchange($next, text_of($login))->{status}, 401,
            'late answer: ended meanwhile');
        isnt(read_answer($caller)->{status}, 0, 'late answer: it comes');
        is_deeply(statuses(map { try($nginx, $login) } 1 .. 10),
            {401 => 10}, 'late answer: too late for all others');
        last;
    }
    is($emptied, 1, 'late answer: a worker died inside');
    $nginx->stop;
}

done_testing();
