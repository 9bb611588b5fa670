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
use ParaTls;
use Test::More;

use JSON::PP     ();
use List::Util   qw(max sum0);
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes  qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    TOUCH  => '/touch',
    FAST   => 0.8,                   # s, however busy the machine is
    AGENT  => 'nginx-para-auth',     # of renewals
};

make_certificates();


# ---- Means -----------------------------------------------------------------

# Options: valid, cache (more parameters), auth (more lines), http, api,
# provider, trust (of the shipped location), exported, and start_nginx()'s.
sub gateway {
    my (%option) = @_;

    my ($valid, $cache, $auth, $http, $api, $provider, $trust, $exported,
        $server)
        = delete @option{qw(valid cache auth http api provider trust exported
            server)};
    $_ //= '' for $cache, $auth, $http, $provider, $server;

    my $locations = verify_location() . ($exported ? touch_location() : '');
    $locations =~ s{(proxy_ssl_trusted_certificate\s+)\S+;}
                   {$1$PARA_DIR/$trust.crt;}g if $trust;

    my $spread = free_ports() + 5;
    my $h2     = $spread + 1;
    my $nginx  = start_nginx(
        http => http_config(
            api      => $api,
            provider => $provider
                . ($exported ? "        public_key $PARA_PUBLIC_KEY;\n" : ''),
            http => $http
        ),
        server => <<"CONF" . $locations,
        listen 127.0.0.1:$spread reuseport;
        listen 127.0.0.1:$h2 ssl http2;
        ssl_certificate $PARA_DIR/good.crt;
        ssl_certificate_key $PARA_DIR/good.key;
        large_client_header_buffers 4 32k;
        para_auth app;
        para_auth_session_cache valid=${valid}s negative=5s $cache;
        $auth
        add_header X-Cache \$para_auth_cache always;
        location / { proxy_pass $APP_URL; }
$server
CONF
        %option
    );
    @$nginx{qw(spread h2)} = ($spread, $h2);

    return $nginx;
}

# What is asked in the background, of all that Para received there.
sub renewals {
    my ($path) = @_;
    return grep { ($_->{header}{'user-agent'} // '') eq AGENT }
        para_requests($path // VERIFY);
}

# Asks again and again for so many seconds on kept connections, to whatever
# worker has them; "each" is called after each answer and may end it.
sub busy {
    my ($nginx, $headers, $seconds, %option) = @_;

    my @sockets = map { connect_to($nginx->{spread}) } 1 .. 8;
    my $text    = request_text('/', headers => $headers);
    my $end     = time + $seconds;
    my @answers;

    for (my $i = 0; time < $end; $i++) {
        my $began  = time;
        my $socket = $sockets[$i % @sockets];
        my $answer = exchange($socket, $text);

        # a worker that is to go closes what is idle, or is killed
        if (!$answer->{status} && $option{again}) {
            $sockets[$i % @sockets] = connect_to($nginx->{spread});
            next;
        }
        $sockets[$i % @sockets] = connect_to($nginx->{spread})
            if $answer->{close};

        @$answer{qw(began took)} = ($began, time - $began);
        push @answers, $answer;
        last if $option{each} && $option{each}->($answer);
        sleep 0.02;
    }

    return @answers;
}

sub count {
    my ($what, @answers) = @_;

    my %count;
    $count{$_}++ for map {
              $what eq 'status'
            ? $_->{status}
            : $_->{header}{'x-cache'} // ''
    } @answers;

    return \%count;
}

# How many had to wait for Para, or were not let in.
sub waits {
    my $states = count(cache => @_);
    return @_ - ($states->{HIT} // 0) - ($states->{REFRESH} // 0);
}

sub slowest { return max(0, map { $_->{took} } @_) }

sub error_lines {
    my ($nginx) = @_;
    return grep {/\[error\] .* para_auth:/} split /\n/, $nginx->error_log;
}

sub healthy {
    my ($nginx, $name) = @_;

    unlike($nginx->error_log, qr/\[alert\]|\[crit\]|\[emerg\]|on signal 11/,
        "$name: nothing broke");
    return;
}

# A session that is known, as one request of its owner has made it.
sub known {
    my ($nginx, $headers) = @_;

    my $answer = get($nginx->{spread}, '/', $headers);
    is($answer->{header}{'x-cache'}, 'MISS', 'a session that is new');
    return;
}


# ---- Once, and in time -----------------------------------------------------

for my $workers (1, 2, 4) {
    my $name  = "$workers worker(s)";
    my $nginx = gateway(workers => $workers, valid => 3);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    fault(VERIFY, 'slow', delay_ms => 150);

    my @answers = busy($nginx, credentials($login), 9);

    is_deeply(count(status => @answers), {200 => scalar @answers},
        "$name: all let in");
    is(waits(@answers), 0,
        "$name: all at once");
    cmp_ok(slowest(@answers), '<', FAST, "$name: none waits");

    my @renewals = renewals();
    my @moments  = map { $_->{time} } para_requests(VERIFY);
    my @gaps     = map { $moments[$_] - $moments[$_ - 1] } 1 .. $#moments;

    # 70 to 90 % of 3 s, and the 150 ms
    cmp_ok(scalar @renewals, '>=', 3, "$name: renewed");
    cmp_ok(scalar @renewals, '<=', 5, "$name: once each time");
    is(para_calls(VERIFY), 1 + @renewals, "$name: nobody else asks");
    cmp_ok((sort { $a <=> $b } @gaps)[0], '>', 1.9, "$name: not too early");
    cmp_ok(max(@gaps),                    '<', 3,   "$name: nor too late");
    healthy($nginx, $name);
    $nginx->stop;
}

# Two seconds of waiting for Para are nobody's but the renewal's.
{
    my $nginx = gateway(workers => 2, valid => 26);
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
        . '%{num_connects}\n', "https://127.0.0.1:$nginx->{h2}/[1-560]"
        or die "curl: $!";

    my @answers = busy($nginx, credentials($login), 27);
    my @others  = map { [split] } <$h2>;
    close $h2;

    is(waits(@answers), 0,
        'a slow Para: HTTP/1.1, all HIT');
    cmp_ok(slowest(@answers), '<', FAST, '... and fast');

    is(scalar(grep { "@$_[0 .. 2]" =~ /\A2 200 (?:HIT|REFRESH)\z/ } @others),
        scalar @others, 'a slow Para: HTTP/2, all HIT');
    is(sum0(map { $_->[4] } @others), 1, '... on one connection');
    cmp_ok(max(map { $_->[3] } @others), '<', FAST, '... and fast');
    cmp_ok(scalar @others, '>', 500, '... many of them');

    is(scalar renewals(), 2, 'a slow Para: each is renewed once');
    is(para_calls(VERIFY), 4, 'a slow Para: and asked for by nobody else');
    healthy($nginx, 'a slow Para');
    $nginx->stop;
}

# A session that has ended is refused when that is found out, not later.
{
    my $nginx = gateway(valid => 8);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    my $began = time;
    end_session($login);

    my @answers = busy(
        $nginx,
        credentials($login),
        12,
        each => sub { $_[0]{status} != 200 }
    );
    my $last = pop @answers;

    is(waits(@answers), 0,
        'ended: it goes on until it is renewed');
    is($last->{status}, 401, 'ended: then it is refused');
    cmp_ok($last->{began} - $began, '>', 5, '... not before');
    cmp_ok($last->{began} - $began, '<', 7.8, '... long before its time');
    is(para_calls(VERIFY), 2, 'ended: Para was asked twice');
    is(get($nginx->{port}, '/', credentials($login))->{status}, 401,
        'ended: for good');
    is_deeply([error_lines($nginx)], [], 'ended: that is no error');
    $nginx->stop;
}

{
    my $nginx = gateway(valid => 2, cache => 'refresh=off');
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));

    my @answers = busy($nginx, credentials($login), 5);
    my $states  = count(cache => @answers);

    is(scalar renewals(), 0, 'refresh=off: none');
    is($states->{MISS}, 2, 'refresh=off: requests wait for it');
    is(para_calls(VERIFY), 3, '... and ask for it');
    $nginx->stop;
}

# Who does not come costs nothing.
{
    my $nginx = gateway(valid => 2);

    reset_para();
    known($nginx, credentials(login('alice')));
    sleep 3;
    is(para_calls(VERIFY), 1, 'an idle session is not renewed');
    $nginx->stop;
}


# ---- What Para receives ----------------------------------------------------

{
    my $nginx = gateway(valid => 2);
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
    busy($nginx, join("\n", @mine), 2);

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
    my $nginx  = gateway(valid => 2);
    my @logins = map { login('alice') } 1 .. 5;

    reset_para();
    known($nginx, credentials($_)) for @logins;
    my $before = calls()->{connections};
    my $end    = time + 8;
    while (time < $end) {
        get($nginx->{port}, '/', credentials($_)) for @logins;
        sleep 0.05;
    }

    cmp_ok(scalar renewals(), '>=', 15, 'many renewals');
    cmp_ok(calls()->{connections} - $before, '<=', 5, '... few connections');
    healthy($nginx, 'connections');
    $nginx->stop;
}


# ---- TLS -------------------------------------------------------------------

my $tls = tls_port('good');

# For the shipped location, so that it finds localhost at that port.
my $way = <<"CONF";
    server {
        listen 127.0.0.1:@{[free_ports() + 9]};
        location / { proxy_pass https://localhost:$tls; }
    }
CONF

sub trusting {
    my ($ca, %option) = @_;

    return gateway(
        api      => "https://localhost:$tls",
        provider => "        jwks_trusted_certificate $PARA_DIR/$ca.crt;\n",
        trust    => 'trusted',
        http     => $way,
        %option
    );
}

{
    my $nginx = trusting('trusted', valid => 2);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    my $before = calls()->{connections};
    my @answers = busy($nginx, credentials($login), 7);

    is(waits(@answers), 0,
        'TLS: renewed');
    my @renewals = renewals();
    cmp_ok(scalar @renewals, '>=', 3, 'TLS: again and again');
    is($renewals[0]{tls}{server_name}, 'localhost', 'TLS: with its name');
    cmp_ok(calls()->{connections} - $before, '<=', 2,
        'TLS: over one connection');
    is_deeply([error_lines($nginx)], [], 'TLS: no errors');
    healthy($nginx, 'TLS');
    $nginx->stop;
}

# Requests take a way of their own, and are not in trouble.
my %trouble = (
    'a certificate of another CA' => {
        start => sub { trusting('foreign', valid => 2) },
        why   => qr/certificate/,
    },
    'a firewall' => {
        start => sub {
            return trusting(
                'trusted',
                valid => 2,
                api   => 'https://localhost',
                http  => "upstream localhost { server 127.0.0.1:$tls; }"
            );
        },
        why => qr/onnect/,
    },
);

for my $name (sort keys %trouble) {
    my $nginx  = $trouble{$name}{start}->();
    my @logins = map { login('alice') } 1 .. 8;

    reset_para();
    known($nginx, credentials($_)) for @logins;

    my @answers;
    my $end = time + 9;
    while (time < $end) {
        push @answers, map { get($nginx->{port}, '/', credentials($_)) }
            @logins;
        sleep 0.05;
    }

    is(scalar renewals(), 0, "$name: nothing is sent");
    is_deeply(count(status => @answers), {200 => scalar @answers},
        "$name: all let in");
    my $missed = count(cache => @answers)->{MISS};
    cmp_ok($missed, '>=', 24, '... who ask when its time is over');
    is(para_calls(VERIFY), 8 + $missed, '... each once');

    my @errors = error_lines($nginx);
    is(scalar @errors, 1, '... and one line says it');
    like($errors[0], qr/sessions of provider "app" cannot be renewed/,
        '... of renewal');
    like($errors[0], $trouble{$name}{why}, '... and why');
    healthy($nginx, $name);
    $nginx->stop;
}

# A connection that others' CAs vouch for is not one's own.
{
    my $nginx = trusting(
        'trusted',
        valid => 2,
        http  => $way . para_provider(
            name  => 'other',
            api   => "https://localhost:$tls",
            lines => "        jwks_trusted_certificate $PARA_DIR/foreign.crt;"
        ),
        server => <<"CONF" . verify_location() =~ s/app verify/other verify/r
        location /other { para_auth other; proxy_pass $APP_URL; }
CONF
            =~ s{/_para_auth/verify}{/_para_auth/verify_other}r
            =~ s{/etc/ssl/certs/ca-certificates.crt}{$PARA_DIR/trusted.crt}r,
    );
    my ($ours, $theirs) = (login('alice'), login('bob'));

    reset_para();
    my $end = time + 8;
    my @theirs;
    while (time < $end) {
        get($nginx->{port}, '/', credentials($ours));
        push @theirs, get($nginx->{port}, '/other', credentials($theirs));
        sleep 0.05;
    }

    my @renewals = renewals();
    cmp_ok(scalar @renewals, '>=', 3, 'two CAs, one host: renewed by one');
    is(scalar(grep { index($_->{body}, $theirs->{verificationToken}) >= 0 }
            @renewals),
        0, 'two CAs, one host: not by the other');
    is_deeply(count(status => @theirs), {200 => scalar @theirs},
        'two CAs, one host: all let in');
    like(join("\n", error_lines($nginx)),
        qr/\A[^\n]*provider "other" cannot be renewed[^\n]*\z/,
        'two CAs, one host: one line');
    healthy($nginx, 'two CAs, one host');
    $nginx->stop;
}


# ---- When Para does not answer ---------------------------------------------

for my $mode (qw(500 401 html reset 429)) {
    my $nginx  = gateway(valid => 3);
    my $login  = login('alice');
    my @others = map { login('bob') } 1 .. 3;

    reset_para();
    known($nginx, credentials($_)) for $login, @others;
    my $began = time;
    fault(VERIFY, $mode);

    my @answers = busy(
        $nginx,
        credentials($login),
        6,
        each => sub {
            return 1 if $_[0]{status} != 200;
            get($nginx->{port}, '/', credentials($_)) for @others;
            return 0;
        }
    );
    my $last = pop @answers;

    is($last->{status}, 503, "$mode: then nobody is let in");
    cmp_ok($last->{began} - $began, '>', 2.6, "$mode: not before its time");
    is(waits(@answers), 0,
        "$mode: a failure changes nothing");
    is(scalar(grep {/cannot be renewed/} error_lines($nginx)),
        1, "$mode: one line");

    fault(VERIFY, 'off');
    ok( wait_until(
            8,
            sub {
                get($nginx->{port}, '/', credentials($login))->{status} == 200;
            }
        ),
        "$mode: and all is well again"
    );
    healthy($nginx, $mode);
    $nginx->stop;
}

# So many at once, and no more.
{
    my $nginx  = gateway(valid => 12);
    my @logins = map { login('alice') } 1 .. 90;

    # those of one second would be the same, and pay for all of them
    $logins[$_]{jwt} = para_jwt('alice', jti => $_) for 0 .. $#logins;

    reset_para();
    burst($nginx->{port},
        [map { request_text('/', headers => credentials($_), close => 1) }
                @logins]);
    is(para_calls(VERIFY), 90, '90 sessions');
    reset_para();
    fault(VERIFY, 'hang');

    my (@answers, $max);
    my $end = time + 11;
    while (time < $end) {
        push @answers, burst($nginx->{port},
            [map { request_text('/', headers => credentials($_), close => 1) }
                    @logins]);
        last if renewals() >= 64;
    }
    sleep 0.3;

    is(scalar(renewals()), 64, '90 sessions: 64 renewals in flight');
    is(waits(@answers), 0,
        '90 sessions: nobody waits');

    my $began = time;
    $nginx->{process}->signal('QUIT');
    ok(wait_until(3, sub { !$nginx->is_running }), '... nor does the end');
    cmp_ok(time - $began, '<', 2, '... for them');
    healthy($nginx, '64 in flight');
    $nginx->stop;
}


# ---- Reload, exit, death ---------------------------------------------------

{
    my $nginx = gateway(valid => 6, workers => 2);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    fault(VERIFY, 'slow', delay_ms => 3000, times => 1);
    my ($reloaded, $ended);
    my @before = workers_of($nginx);

    my @answers = busy(
        $nginx,
        credentials($login),
        9,
        again => 1,
        each  => sub {
            if (!$reloaded && renewals()) {
                $nginx->reload;
                $reloaded = time;
            }
            if ($reloaded && !$ended) {
                my %now = map { $_ => 1 } workers_of($nginx);
                $ended = time if !grep { $now{$_} } @before;
            }
            return 0;
        }
    );

    ok($reloaded, 'reload: in the middle of a renewal');
    cmp_ok(($ended // 'inf') - $reloaded, '<', 2,
        'reload: no worker stays for it');
    is(waits(@answers), 0,
        'reload: the new ones renew it');
    is(count(status => @answers)->{200}, scalar @answers,
        'reload: all let in');
    healthy($nginx, 'reload');
    $nginx->stop;
}

{
    my $nginx = gateway(valid => 8, workers => 2);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    fault(VERIFY, 'hang', times => 1);
    my $killed;

    my @answers = busy(
        $nginx,
        credentials($login),
        12,
        again => 1,
        each  => sub {
            if (!$killed && renewals()) {
                kill 'KILL', workers_of($nginx);
                $killed = time;
                wait_until(5, sub { workers_of($nginx) == 2 });
            }
            return 0;
        }
    );

    ok($killed, 'kill -9: in the middle of a renewal');
    is(waits(@answers), 0,
        'kill -9: the others renew it');
    cmp_ok(scalar renewals(), '>=', 2, 'kill -9: at once');
    unlike($nginx->error_log, qr/signal 11|signal 6|\[emerg\]/,
        'kill -9: nothing else broke');
    $nginx->stop;
}

# One process that is master and worker.
{
    my $nginx = gateway(valid => 2, main => 'master_process off;');
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    my @answers = busy($nginx, credentials($login), 4);
    is(waits(@answers), 0,
        'single process: renewed');
    healthy($nginx, 'single process');
    $nginx->stop;
}


# ---- Keep-alive ------------------------------------------------------------

sub exported {
    my ($login, $session) = @_;
    return bearer($login->{jwt})
        . "\nX-Para-Session: "
        . ($session // $login->{exportedSession});
}

{
    my $nginx = gateway(
        valid    => 2,
        exported => 1,
        auth     => 'para_auth_keep_alive 4s;',
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
    my @answers = busy($nginx, $headers, 11);

    is(waits(@answers), 0,
        'keep-alive: all HIT');
    cmp_ok(slowest(@answers), '<', FAST, 'keep-alive: and fast');
    cmp_ok(scalar renewals(TOUCH), '>=', 5, 'keep-alive: renewed');

    my @calls   = renewals($alive);
    my @moments = map { $_->{time} } @calls;
    my @gaps    = map { $moments[$_] - $moments[$_ - 1] } 1 .. $#moments;

    cmp_ok(scalar @calls, '>=', 2, 'keep-alive: extended');
    cmp_ok(scalar @calls, '<=', 3, 'keep-alive: not each time');
    cmp_ok((sort { $a <=> $b } @gaps)[0], '>', 3.9,
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
    healthy($nginx, 'keep-alive');
    $nginx->stop;
}

# Its failure costs nothing but a line.
{
    my $nginx = gateway(
        valid    => 2,
        exported => 1,
        auth     => 'para_auth_keep_alive 1s;'
    );
    my $login = login('bob');

    reset_para();
    fault("/users/$login->{userId}/session/keep-alive", '500');
    known($nginx, exported($login));
    my @answers = busy($nginx, exported($login), 6);

    is(waits(@answers), 0,
        'keep-alive that fails: all HIT');
    my @errors = error_lines($nginx);
    is(scalar @errors, 1, 'keep-alive that fails: one line');
    like($errors[0], qr/cannot be kept alive \(status 500\)/,
        'keep-alive that fails: which says it');
    healthy($nginx, 'keep-alive that fails');
    $nginx->stop;
}

# Only where it is wanted, and of exported sessions only.
{
    my $nginx = gateway(valid => 2, exported => 1);
    my $login = login('alice');

    reset_para();
    known($nginx, exported($login));
    busy($nginx, exported($login), 3);
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
