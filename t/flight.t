#!/usr/bin/perl

# Single flight: many requests for one session that is not known yet are one
# call to Para, whoever goes away meanwhile; and no request ever gets what
# another one's session or token said.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use List::Util  qw(shuffle);
use Time::HiRes qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    MANY   => 200,
    SLOW   => 1000,                  # ms, for all of them to come meanwhile
};

# For curl, which multiplexes HTTP/2 over TLS only.
system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 '
        . "-nodes -days 2 -subj /CN=localhost -keyout $PARA_DIR/tls.pem "
        . "-out $PARA_DIR/tls.crt 2>/dev/null "
        . "&& cat $PARA_DIR/tls.crt >> $PARA_DIR/tls.pem") == 0
    or BAIL_OUT('openssl makes no certificate');

sub gateway {
    my (%options) = @_;

    my $verify = verify_location();
    if (my $abort = delete $options{abort}) {
        $verify =~ s/proxy_ignore_client_abort\s+on/$abort/ or die;
    }

    my ($h2, $tls) = map { free_ports() + $_ } 5 .. 6;
    my $nginx = start_nginx(
        server => <<"CONF" . $verify,
        listen 127.0.0.1:$h2 http2 backlog=1024;
        listen 127.0.0.1:$tls ssl http2;
        ssl_certificate $PARA_DIR/tls.pem;
        ssl_certificate_key $PARA_DIR/tls.pem;
        para_auth app;
        add_header X-Cache \$para_auth_cache always;
        location / { proxy_pass $APP_URL; }
CONF
        events => 'worker_connections 4096;',
        %options
    );
    @$nginx{qw(h2 tls)} = ($h2, $tls);

    return $nginx;
}

sub start_over {
    my (%fault) = @_;

    reset_para();
    reset_app();
    fault(VERIFY, $fault{mode} // 'slow', delay_ms => SLOW, %fault)
        if !$fault{none};
    return;
}

sub cache_states {
    my %count;
    $count{$_->{header}{'x-cache'} // ''}++ for @_;
    return \%count;
}

sub text_of {
    my ($login, $path) = @_;
    return request_text($path // '/', headers => credentials($login),
        close => 1);
}


# ---- One session, many requests -------------------------------------------

for my $workers (1, 2) {
    my $nginx = gateway(workers => $workers);
    my $name  = "$workers worker(s)";

    for my $round (1 .. 3) {
        my $login = login('alice');
        start_over();

        my @answers =
            burst($nginx->{port}, [(text_of($login)) x MANY]);

        is_deeply(statuses(@answers), {200 => MANY}, "$name: all let in");
        is(para_calls(VERIFY), 1, "$name: one call");

        my $states = cache_states(@answers);
        is($states->{MISS}, 1, "$name: one of them asked");
        cmp_ok($states->{WAIT} // 0, '>', MANY / 2, "$name: others waited");
        is(scalar(grep { $_->{json}{para}{'X-Para-User-Id'} eq
                    $login->{userId} } @answers),
            MANY, "$name: each as who it is");
        is(app_count(), MANY, "$name: each at the app");

        # And now it is known.
        is(get($nginx->{port}, '/', credentials($login))->{header}{'x-cache'},
            'HIT', "$name: then known");
    }

    # When Para fails, all who wait are told so, and nothing is kept.
    for my $mode (qw(500 429 401 html truncated)) {
        my $login = login('bob');
        start_over(mode => $mode);

        my @answers =
            burst($nginx->{port}, [(text_of($login)) x MANY]);
        is_deeply(statuses(@answers), {503 => MANY}, "$name, $mode: 503");
        is(app_count(), 0, "$name, $mode: nothing at the app");
        is(scalar(grep { $_->{header}{'retry-after'} } @answers),
            MANY, "$name, $mode: Retry-After for each");
        is(para_calls(VERIFY), 1, "$name, $mode: one call");

        fault(VERIFY, 'off');
        is(get($nginx->{port}, '/', credentials($login))->{status},
            200, "$name, $mode: then asked again");
    }

    # An ended session: one call refuses them all.
    {
        my $login = login('carol');
        end_session($login);
        start_over();

        my @answers =
            burst($nginx->{port}, [(text_of($login)) x MANY]);
        is_deeply(statuses(@answers), {401 => MANY}, "$name, ended: 401");
        is(para_calls(VERIFY), 1, "$name, ended: one call");
        is(app_count(), 0, "$name, ended: nothing at the app");
    }

    $nginx->stop;
}


# ---- Who goes away ---------------------------------------------------------

for my $abort ('proxy_ignore_client_abort on',
    'proxy_ignore_client_abort off')
{
    my $nginx = gateway(abort => $abort);
    my $calls = $abort =~ /on$/ ? 1 : 2;

    for my $how (qw(close reset)) {
        my $name  = "$abort, leader's $how";
        my $login = login('alice');
        start_over(times => 1);

        my $leader = connect_to($nginx->{port});
        send_text($leader, text_of($login));
        wait_for_calls(VERIFY, 1);

        my @waiting = map { connect_to($nginx->{port}) } 1 .. 20;
        send_text($_, text_of($login)) for @waiting;
        sleep 0.1;

        $how eq 'close' ? close $leader : abort_connection($leader);

        my @answers = map { read_answer($_) } @waiting;
        is_deeply(statuses(@answers), {200 => 20}, "$name: others let in");
        is(para_calls(VERIFY), $calls, "$name: $calls call(s)");
        ok($nginx->is_running, "$name: still there");
    }

    # Waiters that leave: the first, one in the middle, the last, all.
    for my $leave ([0], [9], [19], [0 .. 19], [1, 3 .. 19]) {
        my $name  = "$abort, waiters @$leave";
        my $login = login('bob');
        start_over(times => 1);

        my $leader = connect_to($nginx->{port});
        send_text($leader, text_of($login));
        wait_for_calls(VERIFY, 1);

        my @waiting = map { connect_to($nginx->{port}) } 1 .. 20;
        send_text($_, text_of($login)) for @waiting;
        sleep 0.1;

        my %left = map { $_ => 1 } @$leave;
        $_ % 2 ? close $waiting[$_] : abort_connection($waiting[$_])
            for @$leave;

        my @answers = map { read_answer($_) } $leader,
            map { $left{$_} ? () : $waiting[$_] } 0 .. $#waiting;
        is_deeply(statuses(@answers), {200 => 21 - @$leave},
            "$name gone: others let in");
        is(para_calls(VERIFY), 1, "$name gone: one call");
        is(app_count(), 21 - @$leave, "$name gone: not at the app");
    }

    # Leader after leader.
    {
        my $login = login('carol');
        start_over();
        my @sockets = map { connect_to($nginx->{port}) } 1 .. 6;

        for my $socket (@sockets) {
            send_text($socket, text_of($login));
            sleep 0.02;
        }
        wait_for_calls(VERIFY, 1);
        my $last = pop @sockets;
        for my $socket (@sockets) {
            close $socket;
            sleep 0.03;
        }
        is(read_answer($last)->{status}, 200, "$abort: the last one gets it");
        cmp_ok(para_calls(VERIFY), '<=', 6, "$abort: bounded calls");
    }

    # All are gone before Para answers; the next one finds the gateway well.
    {
        my $login = login('dave');
        start_over(times => 1);
        my @sockets = map { connect_to($nginx->{port}) } 1 .. 5;
        for my $socket (@sockets) {
            send_text($socket, text_of($login));
            sleep 0.02;
        }
        wait_for_calls(VERIFY, 1);
        abort_connection($_) for @sockets;
        sleep((SLOW + 100) / 1000);

        is(get($nginx->{port}, '/', credentials($login))->{status},
            200, "$abort: all gone, the next one let in");
    }

    is_healthy($nginx, $abort);
    $nginx->stop;
}


# ---- Many sessions, one worker ---------------------------------------------

{
    my $nginx = gateway(
        workers => 1,
        http    => http_config(provider => own_issuer())
    );

    # Each has an id of its own in the token, on one of six users' sessions.
    my @names = qw(alice bob carol dave erin frank);
    my @users = map {
        my $login = login($names[$_ % @names]);
        {   id    => "u-$_-" . int rand 1e6,
            name  => $names[$_ % @names],
            login => $login,
        }
    } 0 .. 29;

    $_->{jwt} = own_jwt(
        user   => $_->{name},
        claims => {internal_user_id => $_->{id}, roles => ["r$_->{id}"]}
    ) for @users;

    for my $round (1 .. 3) {
        start_over(none => 1);
        fault(VERIFY, 'slow', delay_ms => int(rand 300), times => 1)
            for 1 .. 30;

        my @plan;
        for my $i (0 .. $#users) {
            my $user = $users[$i];

            push @plan, [$user, $user, 200] for 1 .. 8;

            # With the session of another Para user.
            push @plan, [$user, $users[($i + 1) % @users], 401];
        }
        @plan = shuffle @plan;

        my @texts = map {
            request_text(
                "/for/$_->[0]{id}",
                close   => 1,
                headers => bearer($_->[0]{jwt}) . "\n"
                    . credentials($_->[1]{login}, 'session')
            )
        } @plan;

        my @answers = burst($nginx->{port}, \@texts);

        my ($wrong, $swapped) = (0, 0);
        for my $i (0 .. $#plan) {
            my ($user, undef, $status) = @{$plan[$i]};
            my $answer = $answers[$i];

            $wrong++ if $answer->{status} != $status;
            next if $status != 200 || !$answer->{json};

            my $para = $answer->{json}{para};
            $swapped++
                if $para->{'X-Para-Internal-User-Id'} ne $user->{id}
                || $para->{'X-Para-User-Id'} ne $user->{login}{userId}
                || $para->{'X-Para-Roles'} ne "r$user->{id}"
                || $answer->{json}{path} ne "/for/$user->{id}";
        }
        is($wrong,   0, "interleaved, round $round: each has its status");
        is($swapped, 0, "interleaved, round $round: nobody is somebody else");
        is(app_count(), 240, "interleaved, round $round: and at the app");
        cmp_ok(para_calls(VERIFY), '<=', 30,
            "interleaved, round $round: a call for each session at most");
    }

    $nginx->stop;
}


# ---- HTTP/2 ----------------------------------------------------------------

sub h2load {
    my ($nginx, $login, $n) = @_;

    my @headers = map { ('-H', $_) } split /\n/, credentials($login);
    my @command = ('h2load', '-n', $n, '-c', 1, '-m', $n, '-t', 1, @headers,
        "http://127.0.0.1:$nginx->{h2}/");

    open my $out, '-|', @command or die "h2load: $!";
    local $/;
    return scalar <$out>;
}

SKIP: {
    skip 'h2load is not installed', 1
        if !grep { -x "$_/h2load" } split /:/, $ENV{PATH};

    my $nginx = gateway();
    my $login = login('alice');
    start_over();

    my $said = h2load($nginx, $login, 100);
    like($said, qr/status codes: 100 2xx, 0 3xx, 0 4xx, 0 5xx/,
        'h2: 100 streams of one connection let in');
    is(para_calls(VERIFY), 1, 'h2: one call');
    is(app_count(), 100, 'h2: each at the app');

    $login = login('bob');
    start_over(mode => '500', times => 1);
    like(h2load($nginx, $login, 100),
        qr/status codes: 0 2xx, 0 3xx, 0 4xx, 100 5xx/,
        'h2: all are told of a failure');
    is(para_calls(VERIFY), 1, 'h2: with one call');

    $nginx->stop;
}

# A script for curl: one transfer for each login, over one connection.
sub curl_parallel {
    my ($nginx, @logins) = @_;

    my $script = '';
    for my $i (0 .. $#logins) {
        $script .= "next\n" if $i;
        $script .= "url = \"https://127.0.0.1:$nginx->{tls}/$i\"\n"
            . "output = \"$PARA_DIR/h2.$i\"\nsilent\n"
            . "http2\ninsecure\nmax-time = 20\n"
            . "write-out = \"%{http_code} %{num_connects}\\n\"\n";
        $script .= "header = \"$_\"\n"
            for split /\n/, credentials($logins[$i]);
    }

    my $file = put_file('curl.conf', $script);
    my @command = ('curl', '--parallel', '--parallel-max', 64, '-K', $file);
    open my $out, '-|', "@command 2>/dev/null" or die "curl: $!";
    my $connections = grep {/ [1-9]/} <$out>;
    is($connections, 1, 'h2: all over one connection');

    return map {
        open my $in, '<', "$PARA_DIR/h2.$_" or die "no answer $_: $!";
        local $/;
        scalar eval { JSON::PP::decode_json(<$in>) };
    } 0 .. $#logins;
}

{
    my $nginx = gateway();
    my @names = qw(alice bob carol dave erin frank);

    for my $round (1 .. 3) {
        my @logins = map { login($names[$_ % @names]) } 0 .. 29;
        start_over(none => 1);
        fault(VERIFY, 'slow', delay_ms => int(rand 200), times => 1)
            for @logins;

        my @seen  = curl_parallel($nginx, @logins);
        my $wrong = grep {
            !$seen[$_]
                || $seen[$_]{path} ne "/$_"
                || $seen[$_]{para}{'X-Para-User-Id'} ne $logins[$_]{userId}
        } 0 .. $#logins;
        is($wrong, 0, "h2, round $round: each stream is who it is");
        is(para_calls(VERIFY), 30, "h2, round $round: a call each");
    }

    # The leader is a stream whose client goes away.
    for my $round (1 .. 3) {
        my $login = login('erin');
        start_over(times => 1);

        my @headers = map { ('-H', $_) } split /\n/, credentials($login);
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            open STDOUT, '>', '/dev/null';
            no warnings 'exec';
            exec 'curl', '-s', '--http2-prior-knowledge', '--max-time', '0.7',
                @headers, "http://127.0.0.1:$nginx->{h2}/";
            POSIX::_exit(1);
        }
        wait_for_calls(VERIFY, 1);

        my @waiting = map { connect_to($nginx->{port}) } 1 .. 10;
        send_text($_, text_of($login)) for @waiting;
        waitpid $pid, 0;

        my @answers = map { read_answer($_) } @waiting;
        is_deeply(statuses(@answers), {200 => 10},
            "h2, leader gone, round $round: others let in");
        is(para_calls(VERIFY), 1, "h2, leader gone, round $round: one call");
    }

    is_healthy($nginx, 'h2');
    $nginx->stop;
}

done_testing();
