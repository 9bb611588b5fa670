#!/usr/bin/perl

# para_auth_explain: a line of JSON for each decision, that tells what the steps
# did and how long they took; nothing for what was not decided or is not to be
# explained; and no credential in any of it.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use JSON::PP     ();
use Time::HiRes  qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    TOUCH  => '/touch',
    SLOW   => 2000,                 # ms
    WINDOW => 12,                   # bytes of a credential
    TURN   => 10,                   # s
};

my $JSON   = JSON::PP->new->utf8->canonical;
my $LOG    = "$PARA_DIR/para-auth.log";
my $FORMAT = "log_format para escape=none '\$para_auth_trace';";

my $port = free_ports();
my $h2   = $port + 1;

my $SERVER = <<"CONF" . verify_location() . touch_location();
        access_log $LOG para if=\$para_auth_trace;
        log_subrequest on;
        large_client_header_buffers 4 32k;

        para_auth app;
        para_auth_explain on;
        add_header X-Request-Id \$request_id always;

        location / { proxy_pass $APP_URL; }
        location /jwt     { para_auth app jwt;     proxy_pass $APP_URL; }
        location /session { para_auth app session; proxy_pass $APP_URL; }
        location /open    { para_auth off;         proxy_pass $APP_URL; }
        location /silent  { para_auth_explain off; proxy_pass $APP_URL; }
        location /early   { return 200 "<\$para_auth_trace>"; }

        location /asked {
            set \$who \$para_auth_user_id;
            proxy_pass $APP_URL;
        }
        location /asked-return {
            set \$who \$para_auth_user_id;
            return 200 "\$who<\$para_auth_trace>";
        }

        location /stale {
            para_auth_session_cache valid=1s stale=1m refresh=off;
            proxy_pass $APP_URL;
        }
        location /refresh {
            para_auth_session_cache valid=5s;
            proxy_pass $APP_URL;
        }
        location /role {
            para_auth_require_role staff;
            proxy_pass $APP_URL;
        }
        location /wallet {
            para_auth_require_wallet \$arg_a;
            proxy_pass $APP_URL;
        }

        # more than one decision, or another place than where it was made
        location /twice { try_files /none \@jwt; }
        location \@jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /page { error_page 401 \@page; proxy_pass $APP_URL; }
        location \@page {
            para_auth_token \$http_x_other;
            proxy_pass $APP_URL;
        }
        location /to-silent { try_files /none \@silent; }
        location \@silent { para_auth_explain off; proxy_pass $APP_URL; }
        location /to-open { try_files /none \@open; }
        location \@open { para_auth off; proxy_pass $APP_URL; }
        location /from-silent {
            para_auth_explain off;
            try_files /none \@jwt;
        }

        location /dry {
            para_auth_dry_run on;
            para_auth_preflight pass;
            proxy_pass $APP_URL;
        }

        location /any { satisfy any; allow all; proxy_pass $APP_URL; }
        location /any-deny { satisfy any; deny all; proxy_pass $APP_URL; }
        location /sub { mirror /mirrored; proxy_pass $APP_URL; }
        location /mirrored { proxy_pass $APP_URL; }
        location /limited {
            para_auth_explain off;
            limit_except GET { para_auth_explain on; }
            proxy_pass $APP_URL;
        }
CONF

my $nginx = start_nginx(
    port => $port,
    http => http_config(
        http     => $FORMAT,
        provider => "public_key $PARA_PUBLIC_KEY;\n" . own_issuer(),
    ),
    server => "        listen 127.0.0.1:$h2 http2;\n$SERVER",
);


# ---- Requests, and what was logged of them --------------------------------

my %offset;
my $everything = '';

# The lines of a log that came since the last call, as soon as there are that
# many; and dies of one that is no JSON.
sub lines {
    my ($n, $log) = @_;
    $log //= $LOG;

    my $text = '';
    wait_until(
        TURN,
        sub {
            open my $in, '<:raw', $log or return 0;
            seek $in, $offset{$log} // 0, 0;
            local $/;
            $text = <$in> // '';
            return ($text =~ tr/\n//) >= $n;
        }
    );

    $offset{$log} += length $text;
    $everything .= $text;

    return map { $JSON->decode($_) } split /\n/, $text;
}

# What a request left in the log: a line, or as many as are said.
sub traced {
    my ($path, $headers, %options) = @_;
    my $n = delete $options{lines} // 1;

    my $answer = get($options{port} // $port, $path, $headers, %options);
    my @lines  = lines($n);
    is(scalar @lines, $n, "$path: lines");

    return ($answer, @lines);
}

sub steps { return join ' ', map {"$_->{step}:$_->{result}"} @{$_[0]{steps}} }

sub step {
    my ($trace, $name) = @_;
    return (grep { $_->{step} eq $name } @{$trace->{steps}})[0] // {};
}

# What every line has, whatever it is of.
sub is_sound {
    my ($trace, $name) = @_;

    like($trace->{time}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/,
        "$name: time");
    like($trace->{request_id}, qr/\A[0-9a-f]{32}\z/, "$name: request");
    like($trace->{connection}, qr/\A\d+\z/,          "$name: connection");

    my ($work, $wait) = (0, 0);
    for my $step (@{$trace->{steps}}) {
        $work += $step->{us};
        $wait += $step->{wait_us} // 0;
    }

    my $count = @{$trace->{steps}};
    cmp_ok(abs($trace->{wait_us} - $wait), '<=', $count, "$name: waited");
    cmp_ok($trace->{total_us}, '>=', $work + $wait, "$name: no more in it");

    my $granted = $trace->{decision} eq 'granted';
    is(exists $trace->{status} ? 1 : 0,
        $granted || $trace->{mode} eq 'dry_run' ? 0 : 1, "$name: status");
    is($trace->{code} eq 'ok' ? 1 : 0, $granted ? 1 : 0, "$name: code");
    ok($granted || !grep { exists $trace->{$_} } qw(user_id internal_user_id),
        "$name: no user is told of who is refused");
    return;
}

# A line has these members; undef: it has none of the name.
sub is_trace {
    my ($trace, $name, %expected) = @_;

    is_sound($trace, $name);

    my $steps = delete $expected{steps};
    is(steps($trace), $steps, "$name: steps") if defined $steps;

    for my $member (sort keys %expected) {
        my ($got, $value) = ($trace->{$member}, $expected{$member});
        ($got, $value) = map { join ',', @$_ } $got, $value if ref $value;
        is($got, $value, "$name: $member");
    }

    return;
}

my $KNOW  = 'credential:ok cache:known';
my $FIND  = 'credential:ok cache:ok exported:ok';
my $LOOK  = 'policy:ok wallets:ok';
my $BUILD = "$FIND token:ok session:ok identity:ok $LOOK";

my @secrets;

# A login, whose credentials must be in no log.
sub known {
    my ($user, %options) = @_;

    my $login = login($user, %options);
    my ($cookie) = $login->{sessionCookie} =~ /=([^;]+)/;

    push @secrets, grep {defined} $cookie,
        @$login{
        qw(jwt verificationToken sessionCookie exportedSession
            exportedSessionWithSigner)
        };
    return $login;
}

sub token { push @secrets, $_[0]; return $_[0] }

my $alice = known('alice');
my $bob   = known('bob');
my $HEX   = qr/\A[0-9a-f]{16}\z/;


# ---- Let in ---------------------------------------------------------------

{
    my ($answer, $cold) = traced('/', credentials($alice));
    is($answer->{status}, 200, 'cold');
    is_trace(
        $cold, 'cold',
        provider   => 'app',
        decision   => 'granted',
        code       => 'ok',
        reason     => 'ok',
        cache      => 'MISS',
        layers     => [qw(jwt session)],
        session    => 'token',
        issuer     => 'para',
        kid        => jwt_header($alice->{jwt})->{kid},
        alg        => 'RS256',
        user_id    => $alice->{userId},
        request_id => $answer->{header}{'x-request-id'},
        mode       => 'enforced',
        disputed   => undef,
        steps      => $BUILD,
    );
    like($cold->{credential}, $HEX, 'cold: a hash of the credential');
    ok(step($cold, 'session')->{wait_us}, 'cold: the session was waited for');
    is_deeply([grep { $_->{wait_us} && $_->{step} ne 'session' }
            @{$cold->{steps}}], [], 'cold: and nothing else');

    ($answer, my $warm) = traced('/', credentials($alice));
    is($answer->{status}, 200, 'warm');
    is_trace(
        $warm, 'warm',
        decision   => 'granted',
        cache      => 'HIT',
        session    => 'token',
        issuer     => 'para',
        kid        => undef,
        alg        => undef,
        user_id    => $alice->{userId},
        credential => $cold->{credential},
        wait_us    => 0,
        steps      => "$KNOW $LOOK",
    );
    isnt($warm->{request_id}, $cold->{request_id}, 'another request');
}

{
    my ($answer, $trace) = traced('/jwt', credentials($bob));
    is_trace(
        $trace, 'the JWT alone',
        layers  => ['jwt'],
        cache   => 'MISS',
        session => undef,
        user_id => $bob->{userId},
        wait_us => 0,
        steps   => $BUILD,
    );

    my $carol = known('carol');
    ($answer, $trace) = traced('/session', credentials($carol));
    is_trace(
        $trace, 'the session alone',
        layers  => ['session'],
        cache   => 'MISS',
        session => 'token',
        kid     => undef,
        alg     => undef,
        steps   => $BUILD,
    );

    ($answer, $trace) = traced('/jwt', bearer(token(own_jwt())));
    is_trace(
        $trace, 'an issuer of our own',
        issuer           => 'backend',
        kid              => 'own-ec',
        alg              => 'ES256',
        user_id          => $alice->{userId},
        internal_user_id => 'u-alice',
    );

    my $dave = known('dave');
    my $both = bearer($dave->{jwt}) . "\nX-Para-Session: ";
    ($answer, $trace) = traced('/', $both . $dave->{exportedSession});
    is($answer->{status}, 200, 'exported');
    is_trace(
        $trace, 'exported',
        session => 'exported',
        user_id => $dave->{userId},
        steps   => $BUILD,
    );
    ok(step($trace, 'session')->{wait_us}, 'exported: waited for');
}


# ---- Refused, at each step ------------------------------------------------

sub is_refused {
    my ($path, $headers, $name, %expected) = @_;

    my ($answer, $trace) = traced($path, $headers);
    is($answer->{status}, $expected{status}, "$name: $expected{status}");
    is_trace($trace, $name, decision => 'refused', %expected);

    return $trace;
}

is_refused(
    '/', '', 'nothing',
    status     => 401,
    code       => 'token_missing',
    reason     => 'token_missing',
    cache      => undef,
    session    => undef,
    credential => undef,
    issuer     => undef,
    steps      => 'credential:refused',
);
is_refused(
    '/', bearer('a b'), 'malformed',
    status => 400,
    code   => 'token_malformed',
    steps  => 'credential:refused',
);
is_refused(
    '/',
    credentials($alice) =~ s/$alice->{verificationToken}
        /$alice->{exportedSessionWithSigner}/xr, 'a key share',
    status  => 400,
    code    => 'session_has_signer',
    reason  => 'session_signer',
    session => 'exported',
    steps   => 'credential:ok cache:ok exported:refused',
);
is_refused(
    '/', bearer(token(tamper($alice->{jwt}))) . "\n"
        . credentials($alice, 'session'), 'tampered with',
    status => 401,
    code   => 'token_invalid',
    reason => 'signature',
    issuer => 'para',
    kid    => jwt_header($alice->{jwt})->{kid},
    alg    => 'RS256',
    steps  => "$FIND token:refused",
);

{
    my $ended = known('erin');
    end_session($ended->{verificationToken});

    my $trace = is_refused(
        '/', credentials($ended), 'ended',
        status => 401,
        code   => 'session_expired',
        reason => 'session_ended',
        cache  => 'MISS',
        steps  => "$FIND token:ok session:refused",
    );
    ok($trace->{wait_us}, 'ended: Para was asked');

    is_refused(
        '/', credentials($ended), 'ended, known',
        cache   => 'HIT',
        status  => 401,
        wait_us => 0,
        steps   => "$FIND token:ok session:refused",
    );
}

is_refused(
    '/', credentials($alice, 'jwt') . "\n" . credentials($bob, 'session'),
    'two people',
    status   => 401,
    code     => 'identity_mismatch',
    reason   => 'identity_mismatch',
    disputed => 'identifier',
    steps    => "$FIND token:ok session:ok identity:refused",
);

is_refused(
    '/role', credentials($alice), 'no such role',
    status => 403,
    code   => 'role_missing',
    cache  => 'HIT',
    steps  => "$KNOW policy:refused",
);

# What is in the log of errors is the same, and is known of a warm one too.
{
    my $trace = is_refused(
        '/wallet?a=0x00', credentials($alice), 'no such wallet',
        status => 403,
        code   => 'wallet_missing',
        cache  => 'HIT',
        issuer => 'para',
        steps  => "$KNOW policy:ok wallets:refused",
    );
    my $said = 'reason wallet_missing, issuer "para", kid "", '
        . "credential \"$trace->{credential}\"";
    like($nginx->error_log, qr/\Q$said\E/, 'said by both');
}

{
    fault(VERIFY, '500');
    is_refused(
        '/', credentials(known('frank')), 'Para is out of order',
        status => 503,
        code   => 'para_unavailable',
        steps  => "$FIND token:ok session:refused",
    );
    reset_para();
}


# ---- Waiting --------------------------------------------------------------

{
    my $login = known('alice');
    fault(VERIFY, 'slow', delay_ms => SLOW);

    # The second comes while the first one waits.
    my @open = map { connect_to($port) } 1 .. 2;
    for my $socket (@open) {
        send_text($socket, request_text('/', close => 1,
                headers => credentials($login)));
        sleep SLOW / 8000;
    }
    is(read_answer($_)->{status}, 200, 'slow: let in') for @open;

    my @lines = sort { $a->{cache} cmp $b->{cache} } lines(2);
    is(scalar @lines, 2, 'slow: both');

    for my $trace (@lines) {
        is_trace($trace, "slow, $trace->{cache}", steps => $BUILD);

        my $wait  = step($trace, 'session')->{wait_us};
        my $least = $trace->{cache} eq 'MISS' ? SLOW : SLOW / 3;
        cmp_ok($wait, '>=', 1000 * $least * 0.9, "$trace->{cache}: waited");
        cmp_ok($wait, '<', 1000 * (SLOW + 5000), "$trace->{cache}: no longer");
        cmp_ok($trace->{wait_us}, '>=', $wait, "$trace->{cache}: in all");
        cmp_ok(
            $trace->{total_us} - $wait,
            '<', 1000 * SLOW * 0.9,
            "$trace->{cache}: the rest is not waiting"
        );
    }
    is_deeply([map { $_->{cache} } @lines], [qw(MISS WAIT)], 'slow: cache');
    reset_para();
}

# What was found out before the access phase is of the one decision.
{
    my $login = known('carol');
    my ($answer, $trace) = traced('/asked', credentials($login));
    is($answer->{status}, 200, 'asked early');
    is_trace(
        $trace, 'asked early',
        decision => 'granted',
        cache    => 'MISS',
        user_id  => $login->{userId},
        steps    => $BUILD,
    );

    ($answer, $trace) = traced('/asked', credentials($login));
    is_trace($trace, 'asked early, warm', steps => "$KNOW $LOOK");

    is_refused(
        '/asked', bearer(token(tamper($login->{jwt}))) . "\n"
            . credentials($login, 'session'), 'asked early, refused',
        status => 401,
        reason => 'signature',
        steps  => "$FIND token:refused",
    );

    $answer = get($port, '/asked-return', credentials($login));
    is($answer->{body}, "$login->{userId}<>", 'asked early, not decided');
    ($answer, $trace) = traced('/jwt', credentials($login));
    is_trace($trace, 'asked early, not decided', layers => ['jwt']);
}

# Who goes away while another one asks has not been decided about.
{
    my $headers = credentials(known('bob'));
    fault(VERIFY, 'slow', delay_ms => SLOW);

    my ($asks, $leaves) = map { connect_to($port) } 1 .. 2;
    for my $socket ($asks, $leaves) {
        send_text($socket, request_text('/', headers => $headers));
        sleep SLOW / 8000;
    }
    abort_connection($leaves);

    is(read_answer($asks)->{status}, 200, 'gone: the other one is let in');
    reset_para();

    my (@lines) = lines(1);
    is_trace($lines[0], 'gone', cache => 'MISS', decision => 'granted');

    my (undef, $next) = traced('/', credentials($alice));
    is($next->{user_id}, $alice->{userId}, 'gone: nothing to tell');
}

{
    my $login = known('bob');
    traced('/stale', credentials($login));
    sleep 1.1;
    fault(VERIFY, '500');
    my ($answer, $trace) = traced('/stale', credentials($login));
    is($answer->{status}, 200, 'stale');
    is_trace(
        $trace, 'stale',
        decision => 'granted',
        cache    => 'STALE',
        steps    => $BUILD,
    );
    ok($trace->{wait_us}, 'stale: Para was asked');
    reset_para();
}

# A key that came after the set that is known.
{
    my $other = start_nginx(
        http   => http_config(http => $FORMAT, key_source => 'url',
            provider => 'jwks_cooldown 1s;'),
        server => <<"CONF");
        access_log $LOG para if=\$para_auth_trace;
        para_auth app jwt;
        para_auth_explain on;
        location / { proxy_pass $APP_URL; }
CONF
    wait_until(
        TURN,
        sub {
            get($other->{port}, '/', credentials($alice))->{status} == 200;
        }
    );
    sleep 1.1;
    $offset{$LOG} = -s $LOG;

    para_keys(rotate => 1);
    my ($answer, $trace) =
        traced('/', bearer(token(para_jwt('alice'))), port => $other->{port});
    is($answer->{status}, 200, 'a new key');
    is_trace($trace, 'a new key', steps => $BUILD, cache => 'MISS');
    ok(step($trace, 'token')->{wait_us}, 'a new key: waited for');

    $other->stop;
    reset_para(keys => 1);
}


# ---- More than one decision, or none --------------------------------------

{
    my ($answer, @two) = traced('/twice', credentials($alice), lines => 2);
    is($answer->{status}, 200, 'twice');
    is_trace($two[0], 'twice, first', layers => [qw(jwt session)],
        decision => 'granted');
    is_trace($two[1], 'twice, second', layers => ['jwt'],
        decision => 'granted', session => undef);
    is($two[1]{request_id}, $two[0]{request_id}, 'twice: one request');
    is($two[0]{request_id}, $answer->{header}{'x-request-id'},
        'twice: the one that other logs know');

    ($answer, @two) = traced(
        '/page',
        bearer(tamper($alice->{jwt})) . "\nX-Other: $alice->{jwt}\n"
            . credentials($alice, 'session'), lines => 2);
    is($answer->{status}, 401, 'a page that is protected');
    is_trace($two[0], 'page, first', reason => 'signature');
    is_trace($two[1], 'page, second', decision => 'granted',
        user_id => $alice->{userId});

    for my $path (qw(/to-silent /to-open)) {
        (undef, my $one) = traced($path, credentials($alice));
        is_trace($one, $path, layers => [qw(jwt session)]);
    }

    (undef, my $one) = traced('/from-silent', credentials($alice));
    is_trace($one, 'from silent', layers => ['jwt']);

    # Subrequests have logs too.
    ($answer, $one) = traced('/sub', credentials($alice));
    is($answer->{status}, 200, 'subrequest');
    is_trace($one, 'subrequest', decision => 'granted');

    ($answer, $one) = traced('/any-deny', credentials($alice));
    is($answer->{status}, 200, 'satisfy any, by us');
    is_trace($one, 'satisfy any, by us', decision => 'granted');
}

{
    my %nothing = (
        '/silent'  => credentials($alice),
        '/limited' => credentials($alice),
        '/open'    => credentials($alice),
        '/any'     => '',
        '/early'   => credentials($alice),
    );

    for my $path (sort keys %nothing) {
        my $answer = get($port, $path, $nothing{$path});
        is($answer->{status}, 200, "$path: let in");
        is($answer->{body}, '<>', "$path: not decided yet")
            if $path eq '/early';
        my (undef, @lines) = traced('/jwt', credentials($bob));
        is(scalar @lines, 1, "$path: no line");
    }

    is(get($port, '/silent', '')->{status}, 401, 'silent: refused');
    my (undef, $trace) = traced('/limited', credentials($bob),
        method => 'POST', body => 'x');
    is_trace($trace, 'limit_except', decision => 'granted',
        user_id => $bob->{userId});
}

# A dry run tells what would have been, a preflight was not looked at.
{
    my ($answer, $trace) = traced('/dry', credentials($alice));
    is($answer->{status}, 200, 'dry run');
    is_trace(
        $trace, 'dry run, granted',
        mode     => 'dry_run',
        decision => 'granted',
        user_id  => $alice->{userId},
        steps    => "$KNOW $LOOK",
    );

    ($answer, $trace) = traced('/dry', credentials($alice, 'session'));
    is($answer->{status}, 200, 'dry run: let in all the same');
    is_trace(
        $trace, 'dry run, refused',
        mode     => 'dry_run',
        decision => 'refused',
        code     => 'token_missing',
        steps    => 'credential:refused',
    );

    get($port, '/dry', "Origin: https://a\nAccess-Control-Request-Method: PUT",
        method => 'OPTIONS');
    (undef, $trace) = traced('/', credentials($bob));
    is($trace->{user_id}, $bob->{userId}, 'preflight: no line');
}

# What goes on over one connection are requests of their own.
{
    my $socket = connect_to($port);
    my $text   = request_text('/', headers => credentials($alice));
    is(exchange($socket, $text)->{status}, 200, 'kept') for 1 .. 2;
    my @two = lines(2);
    is($two[0]{connection}, $two[1]{connection}, 'kept: one connection');
    isnt($two[0]{request_id}, $two[1]{request_id}, 'kept: two requests');
}

for my $login ($alice, undef) {
    my $headers = put_file('h2', $login ? credentials($login) . "\n" : "X: y\n");
    my $curl = "curl -s --http2-prior-knowledge -o $PARA_DIR/h2.out"
        . " -w '%{http_code}' -H \@$headers";
    my $status = qx($curl http://127.0.0.1:$h2/);
    my ($trace) = lines(1);
    is($status, $login ? 200 : 401, "HTTP/2: $status");
    is_trace($trace, "HTTP/2, $status",
        steps => $login ? "$KNOW $LOOK" : 'credential:refused');
}


# ---- What a client can put into it ----------------------------------------

{
    my $key = para_key();

    my %kids = (
        quote   => '"',
        close   => '","decision":"granted","x":"',
        lines   => "a\nb\r\n{}",
        control => join('', map {chr} 0x01 .. 0x1f) . "\x7f",
        nul     => 'a\\u0000b',
        escape  => 'a\\b\\',
        utf8    => "\x{e9}\x{20ac}\x{1f512}",
        between => ('x' x 63) . "\x{20ac}",
        line    => "\x{2028}\x{2029}\x{85}",
        long    => 'k' x 256,
        dollar  => '$http_authorization ${cookie_x} %s%n',
    );

    for my $name (sort keys %kids) {
        my $kid   = $kids{$name};
        my $token = token(sign_raw('RS256', $key,
                $JSON->encode({alg => 'RS256', kid => $kid}),
                '{"sub":"mallory"}'));

        my $trace = is_refused(
            '/', bearer($token) . "\n" . credentials($alice, 'session'),
            "kid, $name",
            status => 401,
            code   => 'token_invalid',
            steps  => "$FIND token:refused",
        );

        utf8::encode(my $bytes = $kid);
        my $cut = substr $bytes, 0, 64;
        utf8::decode($cut) or $cut = ('x' x 63) . "\x{fffd}";
        is($trace->{kid}, $cut, "kid, $name: as it is, or its beginning");
    }

    # Bytes that are no JSON do not come so far, nor does a kid of 4 KiB.
    for my $header (
        "{\"alg\":\"RS256\",\"kid\":\"\xff\xfe\"}", "\xff", '{',
        $JSON->encode({alg => 'RS256', kid => 'k' x 4096})
        )
    {
        is_refused(
            '/',
            bearer(token(sign_raw('RS256', $key, $header, '{}'))) . "\n"
                . credentials($alice, 'session'),
            'a bad header',
            status => 401,
            reason => 'jws_header',
            kid    => undef,
            alg    => undef,
        );
    }
}

# A user id is what the headers have.
{
    my $id = "u \"\\,%\x{e9}\x{1f512}";
    utf8::encode(my $bytes = $id);
    $bytes =~ s/([%\x80-\xff])/sprintf '%%%02X', ord $1/ge;

    my (undef, $trace) = traced('/jwt',
        bearer(token(own_jwt(claims => {internal_user_id => $id}))));
    is_trace($trace, 'an odd user id', internal_user_id => $bytes);
}


# ---- What must be in no log -----------------------------------------------

{
    for my $name ('secret.key') {
        open my $in, '<', "$PARA_DIR/$name" or die "$name: $!";
        chomp(my $key = <$in>);
        push @secrets, $key;
    }
    push @secrets, $PARA_PUBLIC_KEY;

    # Both in other places, and in the wrong ones.
    traced('/', "Authorization: Bearer $_\nX-Para-Session: $_")
        for @$alice{qw(jwt verificationToken exportedSession)};
    traced("/?token=$alice->{jwt}", "Cookie: sid=$alice->{verificationToken}");

    my ($found, $looked) = (0, 0);
    for my $secret (@secrets) {
        for my $i (0 .. length($secret) - WINDOW) {
            $looked++;
            next if index($everything, substr $secret, $i, WINDOW) < 0;
            $found++;
            diag 'in the log: ' . substr $secret, $i, WINDOW;
        }
    }

    cmp_ok(length $everything, '>', 10_000, 'a log worth the look');
    cmp_ok($looked, '>', 10_000, 'secrets worth the look');
    is($found, 0, 'nothing of any credential or key');

    # The decisions were told, so the looking was at something.
    like($everything, qr/"\Q$alice->{userId}\E"/, 'the user is there');
    unlike($everything, qr/\Q$alice->{user}{identifier}\E/,
        'and how to reach her is not');
}

is_healthy($nginx, 'all of this');


# ---- nginx -t -------------------------------------------------------------

for my $bad (
    ['para_auth_explain maybe;', qr/it must be "on" or "off"/],
    ['para_auth_explain;',       qr/invalid number of arguments/],
    ['para_auth_explain on; para_auth_explain off;', qr/is duplicate/],
    )
{
    my ($ok, $said) = check_nginx(
        server => "para_auth app; $bad->[0]\n" . verify_location());
    ok(!$ok, $bad->[0]);
    like($said, $bad->[1], "$bad->[0]: and why");
}

for my $good ('', 'para_auth_explain off;', 'para_auth_explain on;') {
    ok(scalar check_nginx(http => "$FORMAT\n$good\n" . http_config(),
            server => "access_log $LOG para if=\$para_auth_trace;"
                . ' location / { para_auth app jwt; }'),
        "at http: $good");
}

done_testing();
