#!/usr/bin/perl

# A JWT that has expired: its session is asked about, so that the front end
# learns whether it needs a new JWT or its user has to log in; and nobody learns
# or gets anything else by it.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use JSON::PP     ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes  qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    TOUCH  => '/touch',
    DAY    => 86_400,
    LIMIT  => 20,                    # calls a minute for one JWT
    SLOW   => 500,                   # ms
};

my $states = 0;

# Options: provider (more lines), cache (parameters), and those of
# start_nginx().
sub gateway {
    my (%options) = @_;

    my $state = "$PARA_DIR/state-" . ++$states;
    my $cache = delete $options{cache} // 'refresh=off';
    my $lines = delete $options{provider} // '';

    return start_nginx(
        http => http_config(provider => <<"CONF" . own_issuer() . $lines),
        state_path $state;
        public_key $PARA_PUBLIC_KEY;
CONF
        server => <<"CONF" . verify_location() . touch_location(),
        large_client_header_buffers 4 32k;
        add_header X-Status \$para_auth_status always;
        add_header X-User \$para_auth_user_id always;
        add_header X-Cache \$para_auth_cache always;
        para_auth app;
        para_auth_session_cache $cache;
        para_auth_error_format json;
        location / { proxy_pass $APP_URL; }
        location /text { para_auth_error_format text; proxy_pass $APP_URL; }
        location /early {
            set \$early \$para_auth_user_id;
            add_header X-Early \$early always;
            add_header X-Status \$para_auth_status always;
            proxy_pass $APP_URL;
        }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /present { para_auth_match present; proxy_pass $APP_URL; }
        location /off { para_auth_match off; proxy_pass $APP_URL; }
        location = /revoke {
            para_auth off; para_auth_revoke app; allow 127.0.0.1; deny all;
        }
CONF
        %options
    );
}

# The same session with a JWT that ended so many seconds ago, or is otherwise
# another one.
sub expired {
    my ($login, $ago, %claims) = @_;

    return {
        %$login,
        jwt => para_jwt(
            $login,
            iat => int(time) - 3 * DAY,
            exp => int(time) - ($ago // 60),
            %claims
        )
    };
}

our $nginx;

sub ask {
    my ($login, $path) = @_;
    return get($nginx->{port}, $path // '/', credentials($login));
}

# Refused with this code; renew undef: none is named.
sub refused {
    my ($answer, $code, $renew, $name) = @_;

    my %renew = defined $renew ? (renew => $renew) : ();

    is_deeply(
        $answer->{json},
        {   type   => 'about:blank',
            title  => 'Unauthorized',
            status => 401,
            code   => $code,
            %renew
        },
        "$name: $code, " . ($renew // 'nothing') . ' to renew'
    );
    is($answer->{status}, 401, "$name: 401");
    is($answer->{header}{'x-status'}, $code, "$name: the variable");
    ok(!exists $answer->{header}{$_}, "$name: no $_")
        for qw(x-user x-cache retry-after);
    is(app_count(), 0, "$name: nothing at the app");
    return;
}

sub calls_are {
    my ($n, $name) = @_;
    is(para_calls(), $n, "$name: $n calls");
    return;
}

sub last_reason {
    my ($log) = reverse grep {/para_auth: refused/} split /\n/,
        $nginx->error_log;
    return ($log // '') =~ /reason ([\w?]+)/ ? $1 : '';
}

# A new session, and counters at 0.
sub fresh {
    my ($user) = @_;
    my $login = login($user // 'alice');
    reset_para();
    reset_app();
    return $login;
}

$nginx = gateway();


# ---- Active, ended, another's ---------------------------------------------

{
    my $login = fresh();
    my $name  = 'active';

    my $answer = ask(expired($login));
    refused($answer, 'token_expired', 'token', $name);
    is($answer->{header}{'www-authenticate'},
        'Bearer realm="para", error="invalid_token", '
            . 'error_description="token expired"', "$name: the challenge");
    is(last_reason(), 'token_renewable', "$name: the log");
    calls_are(1, $name);

    # What Para has said of the session is known now, and nothing else.
    refused(ask(expired($login, 61)), 'token_expired', 'token', "$name, again");
    calls_are(1, "$name, again");

    $answer = ask($login);
    is($answer->{status}, 200, "$name: a new JWT is let in");
    is($answer->{header}{'x-user'}, $login->{userId}, "$name: as who it is");
    calls_are(1, "$name: a new JWT");
    reset_app();

    refused(ask(expired($login)), 'token_expired', 'token', "$name, after it");

    my $text = ask(expired($login), '/text');
    is($text->{status}, 401, "$name, text: 401");
    like($text->{body}, qr/<h1>401 /, "$name, text: nginx's page");
}

{
    my $login = fresh();
    end_session($login);

    my $answer = ask(expired($login));
    refused($answer, 'session_expired', 'login', 'ended');
    like($answer->{header}{'www-authenticate'}, qr/"session expired"\z/,
        'ended: the challenge');
    calls_are(1, 'ended');
    refused(ask(expired($login)), 'session_expired', 'login', 'ended, known');
    calls_are(1, 'ended, known');
}

for my $path ('/', '/present', '/off') {
    my $login = fresh();
    my $bob   = login('bob');
    my $mixed = {%$login, verificationToken => $bob->{verificationToken}};

    refused(ask(expired($mixed), $path),
        'token_expired', undef, "$path, another's session");
    calls_are(1, "$path, another's session");
    refused(ask(expired($login), $path),
        'token_expired', 'token', "$path, one's own session");

    my $own = {
        %$login,
        jwt => own_jwt(claims => {
            exp => int(time) - 60, para_user_id => undef,
            auth_identifier => undef
        })
    };
    refused(ask($own, $path),
        'token_expired', undef, "$path, nothing to compare");

    $own->{jwt} = own_jwt(claims => {exp => int(time) - 60});
    refused(ask($own, $path), 'token_expired', 'token', "$path, a backend's");
}

# Asked for before the access phase, it is nobody.
{
    my $login  = fresh();
    my $answer = ask(expired($login), '/early');
    refused($answer, 'token_expired', 'token', 'early');
    ok(!exists $answer->{header}{'x-early'}, 'early: nobody');
    is(ask($login, '/early')->{header}{'x-early'}, $login->{userId},
        'early: but who is let in');
    calls_are(1, 'early');
}

# It takes both.
{
    my $login = fresh();
    my $late  = expired($login);

    my $answer = get($nginx->{port}, '/', bearer($late->{jwt}));
    is($answer->{json}{code}, 'session_missing', 'no session: its code');
    calls_are(0, 'no session');

    refused(ask($late, '/jwt'), 'token_expired', undef, 'JWT alone');
    calls_are(0, 'JWT alone');
}


# ---- What is not merely expired -------------------------------------------

{
    my $login = fresh();

    my %bad = (
        'bad signature' =>
            {%$login, jwt => tamper(expired($login)->{jwt}, aud => 'x')},
        'another app'   => expired($login, 60, aud => 'another'),
        'not yet'       => expired($login, 60, nbf => int(time) + DAY),
        'of the future' => expired($login, 60, iat => int(time) + DAY),
        'two subjects'  => expired($login, 60, sub => 'somebody'),
        'no end'        => expired($login, 60, exp => undef),
        'unknown key'   => expired($login, 60, header => {kid => 'none'}),
    );
    for my $name (sort keys %bad) {
        refused(ask($bad{$name}), 'token_invalid', undef, $name);
    }

    refused(ask(expired($login, 60, data => {identifier => "a\nb"})),
        'token_expired', undef, 'a claim that is not safe');
    calls_are(0, 'what is not merely expired');
}

{
    my $login = fresh();

    refused(ask(expired($login, $_)), 'token_expired', undef, "$_ s ago")
        for DAY + 60, 2 * DAY, int time;
    calls_are(0, 'long ago');
    refused(ask(expired($login, $_)), 'token_expired', 'token', "$_ s ago")
        for DAY - 60, 15;
}


# ---- Para cannot say ------------------------------------------------------

for my $mode (qw(500 429 401 html truncated reset wrong_types)) {
    my $login = fresh();
    fault(VERIFY, $mode);

    refused(ask(expired($login)), 'token_expired', undef, "Para: $mode");
    calls_are(1, "Para: $mode");
    reset_para();
    refused(ask(expired($login)), 'token_expired', 'token', "after $mode");
}

# One JWT may cause as many calls as one that is good, and no more.
{
    my $login = fresh();
    my $late  = expired($login, 60, jti => 'limited');

    my %codes;
    $codes{ask({%$late, verificationToken => "made-up-$_"})->{json}{code}}++
        for 1 .. LIMIT + 10;
    is_deeply(\%codes, {session_expired => LIMIT, token_expired => 10},
        'limit: told so often');
    calls_are(LIMIT, 'limit');

    refused(ask($late), 'token_expired', undef, 'limit: his own');
    calls_are(LIMIT, 'limit: his own');
    refused(ask(expired($login)), 'token_expired', 'token', 'limit: another');
}

{
    local $nginx = gateway();
    my @new = map { expired(login('dave')) } 1 .. 7;
    reset_para();
    reset_app();
    fault(VERIFY, '500');

    refused(ask($_), 'token_expired', undef, 'breaker') for @new;
    calls_are(5, 'breaker: it opens for these too');
    is(ask(login('erin'))->{status}, 503, 'breaker: for all');
    $nginx->stop;
}

# What bridges an outage lets people in; it tells nobody to renew.
{
    local $nginx = gateway(cache => 'valid=1s stale=60s refresh=off');
    my $login = fresh();
    is(ask($login)->{status}, 200, 'stale: known');
    reset_app();
    sleep 1.1;
    fault(VERIFY, '500');
    refused(ask(expired($login)), 'token_expired', undef, 'stale');
    is(ask($login)->{header}{'x-cache'}, 'STALE', 'stale: who is let in');
    $nginx->stop;
}


# ---- Exported sessions ----------------------------------------------------

{
    my $login = fresh();
    my $bob   = login('bob');
    my $jwt   = bearer(expired($login)->{jwt});

    my $forge = sub {
        my ($from, %members) = @_;
        my $blob = JSON::PP::decode_json(decode_base64(
            $from->{exportedSession}));
        return encode_base64(JSON::PP::encode_json({%$blob, %members}), '');
    };
    my $send = sub {
        return get($nginx->{port}, '/', "$jwt\nX-Para-Session: $_[0]");
    };

    refused($send->($login->{exportedSession}),
        'token_expired', 'token', 'exported');
    is(para_calls(TOUCH), 1, 'exported: asked about');
    refused($send->($forge->($login, userId => $bob->{userId})),
        'token_expired', undef, 'exported, of another user');
    refused($send->($bob->{exportedSession}),
        'token_expired', undef, "exported, another's");
    refused($send->($forge->($bob, userId => $login->{userId})),
        'token_expired', undef, "exported, another's, in one's own name");

    end_session($login);
    sleep 0.1;
    refused($send->($forge->($login, sessionCookie =>
        $login->{sessionCookie} =~ s/;.*//sr)),
        'session_expired', 'login', 'exported, ended');
}


# ---- Revoked --------------------------------------------------------------

{
    my $revoke = sub {
        my (%what) = @_;
        my $answer = get($nginx->{port}, '/revoke',
            'Content-Type: application/json', method => 'POST',
            body => JSON::PP::encode_json(\%what));
        is($answer->{status}, 200, "revoked: @{[keys %what]}");
        return;
    };

    my $login = fresh('frank');
    my $late  = expired($login, 60, jti => 'gone');
    my $own   = {
        %$login,
        jwt => own_jwt(user => 'frank', claims => {exp => int(time) - 60})
    };

    $revoke->(token => $late->{jwt});
    refused(ask($late), 'token_invalid', undef, 'token revoked');
    $late = expired($login, 61, jti => 'gone');
    $revoke->(jti => 'gone');
    refused(ask($late), 'token_invalid', undef, 'jti revoked');
    calls_are(0, 'token revoked');

    $late = expired($login);
    $revoke->(session => $login->{verificationToken});
    refused(ask($late), 'session_expired', 'login', 'session revoked');
    is(last_reason(), 'session_revoked', 'session revoked: the log');

    my $bob = expired({
        %{login('bob')}, verificationToken => $login->{verificationToken}
    });
    refused(ask($bob), 'token_expired', undef, "another's revoked session");

    reset_para();
    $revoke->(user => 'u-frank');
    refused(ask($own), 'token_invalid', undef, 'user revoked, by his own id');
    $revoke->(user => $login->{userId});
    refused(ask($late), 'token_invalid', undef, 'user revoked');
    calls_are(0, 'user revoked');
}


# ---- Many at once; and no renewal of the session --------------------------

{
    my $login = fresh();
    my $late  = expired($login);
    fault(VERIFY, 'slow', delay_ms => SLOW, times => 1);

    my $text = request_text('/', headers => credentials($late), close => 1);
    my $new  = request_text('/', headers => credentials($login), close => 1);
    my @answers = burst($nginx->{port}, [($text, $new) x 50]);

    my %codes;
    $codes{$_->{json}{renew} // $_->{status}}++ for @answers;
    is_deeply(\%codes, {token => 50, 200 => 50}, 'at once: each as it is');
    calls_are(1, 'at once');
}

{
    local $nginx = gateway(cache => 'valid=10s refresh=on');

    # It is due after nine seconds at the latest, and over after ten.
    my ($known, $answer, $new, $state) = in_time(
        9.9,
        sub {
            my $login = fresh();
            my @did   = ask($login)->{status};
            sleep 9.2;

            reset_app();
            my $before = para_calls();
            push @did, ask(expired($login));
            sleep 0.2;
            push @did, para_calls() - $before;
            return @did, ask($login)->{header}{'x-cache'};
        }
    );
    is($known, 200, 'renewal: known');
    is($new,   0,   'renewal: none by what has expired');
    is($state, 'REFRESH', 'renewal: left to who is let in');
    reset_app();
    refused($answer, 'token_expired', 'token', 'renewal');
    $nginx->stop;
}

my $log = $nginx->error_log;
unlike($log, qr/\[alert\]|\[crit\]|\[emerg\]|exited on signal/,
    'nothing broke');
$nginx->stop;


# ---- renew_window ---------------------------------------------------------

for my $window ('0', '100s', '30d') {
    local $nginx = gateway(provider => "renew_window $window;\n");
    my $login = fresh();

    refused(ask(expired($login, 50)), 'token_expired',
        $window eq '0' ? undef : 'token', "renew_window $window, 50 s ago");
    calls_are($window eq '0' ? 0 : 1, "renew_window $window");
    refused(ask(expired($login, 150)), 'token_expired',
        $window eq '30d' ? 'token' : undef,
        "renew_window $window, 150 s ago");
    $nginx->stop;
}

for my $row (
    ['renew_window;',      qr/invalid number of arguments/],
    ['renew_window soon;', qr/takes a time of at most 30 days, as "24h"/],
    ['renew_window -1s;',  qr/takes a time of at most 30 days, as "24h"/],
    ['renew_window 31d;',  qr/takes a time of at most 30 days, as "24h"/],
    ['renew_window 1h; renew_window 2h;', qr/"renew_window" .*is duplicate/],
    )
{
    my ($line, $message) = @$row;
    my ($ok, $said) = check_nginx(
        http   => http_config(provider => $line),
        server => "para_auth app;\n" . verify_location()
    );
    ok(!$ok, "refused: $line");
    like($said, $message, "refused: $line: the message");
    like($said, qr/nginx\.conf:\d+/, "refused: $line: the place");
}

done_testing();
