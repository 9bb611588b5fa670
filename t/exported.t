#!/usr/bin/perl

# Exported sessions: what is told apart by its form, what is refused although
# the SDK would take it, what Para gets to see of one, and that nothing of it
# is left anywhere.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use JSON::PP     ();
use List::Util   qw(shuffle);
use Math::BigInt ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes  qw(sleep time);

use constant {
    TOUCH       => '/touch',
    VERIFY      => '/sessions/verify',
    BLOB_MAX    => 16384,
    BLOB_LARGE  => 9000,
    LARGE_SPACE => 'large_client_header_buffers 4 32k;',
    TIME_LIMIT  => 6,
};

my $JSON  = JSON::PP->new->utf8->canonical;
my @USERS = qw(alice bob carol dave erin frank);

my $SERVER = <<"CONF";
        para_auth app;
        add_header X-Cache \$para_auth_cache always;
        add_header X-Status \$para_auth_status always;
        location / { proxy_pass $APP_URL; }
        location /session { para_auth app session; proxy_pass $APP_URL; }
        location /any { para_auth_session_type any; proxy_pass $APP_URL; }
        location /token { para_auth_session_type token; proxy_pass $APP_URL; }
        location /exported {
            para_auth_session_type exported;
            proxy_pass $APP_URL;
        }
        location /signer {
            para_auth_exported_signer allow;
            proxy_pass $APP_URL;
        }
        location /none {
            para_auth_session_cache valid=0 negative=0;
            proxy_pass $APP_URL;
        }
CONF

# Options: server, edit (of the touch location), provider, http, and those of
# start_nginx().
sub options {
    my (%options) = @_;

    my $server   = delete $options{server}   // $SERVER;
    my $provider = delete $options{provider} // '';
    my $touch = edited(touch_location(), @{delete $options{edit} // []});

    $options{http} = http_config(
        provider => "public_key $PARA_PUBLIC_KEY;\n$provider",
        http     => delete $options{http},
    );

    return (%options, server => join "\n", LARGE_SPACE, $server,
        verify_location(), $touch);
}

sub gateway { return start_nginx(options(@_)) }


# ---- Sessions as someone sends them ---------------------------------------

sub read_blob  { return $JSON->decode(decode_base64($_[0])) }
sub write_blob { return encode_base64($JSON->encode($_[0]), '') }

# A login's session with other members; undef takes one away.
sub forged {
    my ($login, %members) = @_;

    my $blob = read_blob($login->{exportedSession});
    for my $name (keys %members) {
        if (defined $members{$name}) { $blob->{$name} = $members{$name} }
        else                         { delete $blob->{$name} }
    }

    return write_blob($blob);
}

sub bare_cookie {
    my ($login) = @_;
    return $login->{sessionCookie} =~ s/;.*//sr;
}

# The session of one, the JWT of the same or of another; neither if undef.
sub headers {
    my ($blob, $login) = @_;
    return join "\n", defined $blob ? "X-Para-Session: $blob" : (),
        defined $login ? bearer($login->{jwt}) : ();
}

sub ask {
    my ($nginx, $blob, $login, %options) = @_;
    return get($nginx->{port}, delete $options{path} // '/',
        headers($blob, $login), %options);
}

sub is_user {
    my ($answer, $login, $name) = @_;

    is($answer->{status}, 200, "$name: let in");
    is($answer->{json}{para}{'X-Para-User-Id'},
        $login->{userId}, "$name: as who it is");
    return;
}

sub is_refused {
    my ($answer, $status, $code, $name) = @_;

    is($answer->{status}, $status, "$name: $status");
    is($answer->{header}{'x-status'}, $code, "$name: $code");
    return;
}

# What of a session must not be found anywhere.
sub secrets_of {
    my ($login) = @_;

    my ($value) = bare_cookie($login) =~ /=(.*)/;
    my $blob = read_blob($login->{exportedSessionWithSigner});

    return ($value, @$login{qw(exportedSession jwt)},
        map { $_->{signer} } values %{$blob->{wallets}});
}

sub is_clean {
    my ($text, $login, $name) = @_;

    my $found = grep { index($text, $_) >= 0 } secrets_of($login);
    is($found, 0, "$name: nothing of a session");
    return;
}

sub app_is_clean {
    my ($login, $name) = @_;
    is_clean($JSON->encode(app_calls()), $login, "$name: the app's requests");
    return;
}


# ---- One that is good -----------------------------------------------------

my $main = gateway();

for my $user (@USERS) {
    my $login = login($user);
    my $blob  = $login->{exportedSession};
    reset_all();

    my $answer = ask($main, $blob, $login);
    is_user($answer, $login, "$user: first");
    is($answer->{header}{'x-cache'}, 'MISS', "$user: first: Para is asked");
    is($answer->{json}{para}{'X-Para-Auth-Type'},
        $login->{user}{authType}, "$user: how, from the JWT");

    $answer = ask($main, $blob, $login);
    is_user($answer, $login, "$user: again");
    is($answer->{header}{'x-cache'}, 'HIT', "$user: again: known");

    # The same cookie, whatever stands around it.
    is_user(
        ask(
            $main,
            forged(
                $login,
                authInfo => undef,
                userId   => undef,
                wallets  => undef
            ),
            $login
        ),
        $login,
        "$user: another blob"
    );
    is(para_calls(TOUCH), 1, "$user: one call to /touch");

    # Another text is another question: which part of it counts, Para knows.
    for my $bare (forged($login, sessionCookie => bare_cookie($login)),
        forged($login, sessionCookie => bare_cookie($login) . ' ; Path=/x'))
    {
        is_user(ask($main, $bare, $login), $login, "$user: another cookie");
    }

    is(para_calls(TOUCH), 3, "$user: one call for each");
    is(para_calls(),      3, "$user: and no other");
    app_is_clean($login, $user);

    # The verification token of the same session is another credential.
    is_user(get($main->{port}, '/', credentials($login)),
        $login, "$user: by the token");
    is(para_calls(VERIFY), 1, "$user: one call to /sessions/verify");
}

# The bare cookie is sent as it is.
{
    my $login = login('alice');
    reset_all();
    is_user(
        ask($main, forged($login, sessionCookie => bare_cookie($login)),
            $login),
        $login, 'bare cookie first'
    );
    my ($call) = para_requests(TOUCH);
    is($call->{header}{'x-capsule-sid'}, bare_cookie($login),
        'bare cookie first: sent verbatim');
}

# Without a JWT the user is who Para says he is.
for my $user (@USERS) {
    my $login = login($user);
    reset_all();
    my $answer = ask($main, forged($login, userId => undef), undef,
        path => '/session');
    is_user($answer, $login, "$user, session alone");
    ok(!exists $answer->{json}{para}{'X-Para-Roles'},
        "$user, session alone: no roles");
}


# ---- What Para receives ---------------------------------------------------

my $NOISE = join "\n", 'Cookie: a=b; capsule.sid=other',
    'X-Forwarded-For: 10.0.0.1', 'X-External-API-Key: guess',
    'X-Capsule-Sid: capsule.sid=mallory', 'Accept-Encoding: gzip',
    'User-Agent: browser', 'Range: bytes=0-10', 'Content-Type: text/plain',
    'Origin: https://evil.example', 'Expect: 100-continue';

sub is_the_call {
    my ($login, $name) = @_;

    my $requests = calls()->{requests};
    is(scalar @$requests, 1, "$name: one call");

    my $call = $requests->[0] // {headers => []};
    my %got  = map { lc $_->[0] => $_->[1] } @{$call->{headers}};

    is($call->{method},       'POST',             "$name: method");
    is($call->{path},         TOUCH,              "$name: path");
    is($call->{query},        'regenerate=false', "$name: query");
    is($call->{http_version}, '1.1',              "$name: HTTP/1.1");
    is($call->{body},         '',                 "$name: an empty body");
    is(scalar @{$call->{headers}}, scalar keys %got, "$name: none twice");
    is_deeply(
        \%got,
        {   'host'               => "127.0.0.1:$PARA_PORT",
            'accept'             => 'application/json',
            'content-length'     => 0,
            'x-external-api-key' => $PARA_PUBLIC_KEY,
            'x-capsule-sid'      => $login->{sessionCookie},
        },
        "$name: these headers and no other"
    );

    return;
}

{
    my $login = login('alice');
    reset_all();

    my $answer = get(
        $main->{port}, '/somewhere?a=b&regenerate=true',
        headers($login->{exportedSession}, $login) . "\n$NOISE",
        method => 'PUT',
        body   => 'client body'
    );
    is_user($answer, $login, 'noisy request');
    is($answer->{json}{body_length}, 11, 'noisy request: body at the app');
    is_the_call($login, 'noisy request');
    app_is_clean($login, 'noisy request');
}

# Whatever the levels above say, the shipped location cuts it off.
{
    my $nginx = gateway(server => <<"CONF");
        proxy_set_header Cookie \$http_cookie;
        proxy_set_header X-Capsule-Sid \$http_x_capsule_sid;
        proxy_set_header Content-Type text/plain;
        proxy_set_body "operator's";
        proxy_method PUT;
        proxy_http_version 1.0;
        proxy_pass_request_body off;
        proxy_pass_request_headers off;
        proxy_intercept_errors on;
        error_page 401 403 500 503 =200 /fine;
        gzip on;
        ssi on;
        para_auth app;
        location / { proxy_pass $APP_URL; proxy_pass_request_headers on; }
        location = /fine { return 200 fine; }
CONF
    my $login = login('bob');
    reset_all();
    is_user(
        get($nginx->{port}, '/',
            headers($login->{exportedSession}, $login) . "\n$NOISE"),
        $login, 'inherited'
    );
    is_the_call($login, 'inherited');
    $nginx->stop;
}


# ---- Forgeries ------------------------------------------------------------

{
    my ($alice, $bob) = (login('alice'), login('bob'));

    my %external = ('0x52908400098527886E0F7030069857D2E4169EE7' =>
            {address => '0x52908400098527886E0F7030069857D2E4169EE7',
                type => 'EVM'});

    my %malformed = (
        'no cookie'           => forged($alice, sessionCookie => undef),
        'a cookie of null'    => forged($alice, sessionCookie => JSON::PP::null),
        'an empty cookie'     => forged($alice, sessionCookie => ''),
        'attributes only'     => forged($alice, sessionCookie => '; Path=/'),
        'a cookie of a list'  => forged($alice, sessionCookie => ['a=b']),
        'external wallets only' => forged(
            $alice,
            sessionCookie   => undef,
            wallets         => {},
            externalWallets => \%external
        ),
        'external wallets and a user' => write_blob(
            {   userId          => $alice->{userId},
                authInfo        => {authType => 'email', identifier => 'x'},
                externalWallets => \%external
            }
        ),
        'CRLF in the cookie' => forged($alice,
            sessionCookie => "capsule.sid=x\r\nX-Para-Roles: admin"),
        'NUL in the cookie'  => forged($alice, sessionCookie => "a=b\0c"),
        'UTF-8 in the cookie' =>
            forged($alice, sessionCookie => "a=\x{e4}"),
        'a cookie of 5000 bytes' =>
            forged($alice, sessionCookie => 'a=' . 'x' x 5000),
        'a user id of a list' => forged($alice, userId => ['x']),
        'no JSON to the end'  =>
            encode_base64('{"sessionCookie":"a=b"', ''),
        'JSON and more' => encode_base64('{"sessionCookie":"a=b"}{}', ''),
        'two cookies'   => encode_base64(
            '{"sessionCookie":"a=b","sessionCookie":"c=d"}', ''),
        'an empty object' => encode_base64('{}', ''),
        'too large'       => write_blob(
            {   %{read_blob($alice->{exportedSession})},
                x => 'y' x BLOB_MAX
            }
        ),
    );

    for my $name (sort keys %malformed) {
        reset_all();
        new_log($main);

        is_refused(ask($main, $malformed{$name}, $alice),
            400, 'session_malformed', $name);
        is_refused(ask($main, $malformed{$name}, undef, path => '/session'),
            400, 'session_malformed', "$name, alone");

        # What is wrong comes before what is missing.
        is_refused(ask($main, $malformed{$name}),
            400, 'session_malformed', "$name, no JWT");

        is(para_calls(), 0, "$name: Para is not asked");
        is(app_count(),  0, "$name: nothing at the app");
        is_clean(new_log($main), $alice, "$name: the log");
    }

    # Someone else's id: with his JWT, with one's own, and alone.
    reset_all();
    my $thief = forged($bob, userId => $alice->{userId});
    for (1 .. 2) {
        is_refused(ask($main, $thief, $alice),
            401, 'identity_mismatch', 'another\'s id and JWT');
        is_refused(ask($main, $thief, $bob),
            401, 'identity_mismatch', 'another\'s id, one\'s own JWT');
        is_refused(ask($main, $thief, undef, path => '/session'),
            401, 'identity_mismatch', 'another\'s id alone');
        is_user(ask($main, $bob->{exportedSession}, $bob),
            $bob, 'the cookie with its own id');
        is_refused(ask($main, $bob->{exportedSession}, $alice),
            401, 'identity_mismatch', 'another\'s JWT');
        is_refused(ask($main, forged($bob, userId => undef), $alice),
            401, 'identity_mismatch', 'no id, another\'s JWT');
        is_refused(ask($main, forged($bob, userId => uc $bob->{userId}), $bob),
            401, 'identity_mismatch', 'the id in another case');
    }
    is(para_calls(TOUCH), 1, 'forged ids: one cookie, one call');
    is(app_count(),       2, 'forged ids: nothing else at the app');
    like(new_log($main), qr/code identity_mismatch, reason session_user/,
        'forged ids: the log has the reason');

    # What else it says is nobody's word.
    my $liar = forged(
        $bob,
        authInfo         => read_blob($alice->{exportedSession})->{authInfo},
        wallets          => {},
        currentWalletIds => {},
        externalWallets  => \%external
    );
    my $answer = ask($main, $liar, undef, path => '/session');
    is_user($answer, $bob, 'a forged authInfo');
    ok(index($JSON->encode($answer->{json}{para}), 'alice') < 0,
        'a forged authInfo: nothing of it');

    # A cookie that Para does not know.
    reset_all();
    my $made_up = forged($alice, sessionCookie => 'capsule.sid=s%3Ax.y');
    is_refused(ask($main, $made_up, $alice),
        401, 'session_expired', 'a cookie made up')
        for 1 .. 3;
    is(para_calls(TOUCH), 1, 'a cookie made up: one call');
}


# ---- The user's key share -------------------------------------------------

{
    my $login  = login('alice');
    my $signer = $login->{exportedSessionWithSigner};

    # What the SDK's documents tell people to do removes nothing.
    my $snippet = read_blob($signer);
    delete $snippet->{signer};

    my %with = (
        'as exported'            => $signer,
        'after the SDK\'s snippet' => write_blob($snippet),
        'at the top'             => forged($login, signer => 'share'),
        'in another case'        => forged($login, Signer => 'share'),
        'deep below'             => forged($login, a => [{b => {signer => 1}}]),
        'without a cookie too'   => forged($login, sessionCookie => undef,
            signer => 'share'),
    );

    for my $name (sort keys %with) {
        reset_all();
        new_log($main);

        for my $try (1, 2) {
            my $answer = ask($main, $with{$name}, $login);
            is_refused($answer, 400, 'session_has_signer', "signer $name");
            like(
                $answer->{header}{'www-authenticate'},
                qr/"invalid_request",\ error_description="[^"]*
                   excludeSigners[^"]*verification\ token/x,
                "signer $name: says what to do"
            );
        }
        is_refused(ask($main, $with{$name}), 400, 'session_has_signer',
            "signer $name, no JWT");

        is(para_calls(), 0, "signer $name: Para is not asked");
        is(app_count(),  0, "signer $name: nothing at the app");
        my $log = new_log($main);
        is(lines_like('code session_has_signer, reason session_signer', $log),
            3, "signer $name: the log");
        is_clean($log, $login, "signer $name: the log");
    }

    # Allowed in one place, it is still not in another.
    reset_all();
    is_user(ask($main, $signer, $login, path => '/signer'),
        $login, 'signer allowed')
        for 1, 2;
    is_refused(ask($main, $signer, $login), 400, 'session_has_signer',
        'signer allowed elsewhere');
    is_the_call($login, 'signer allowed');
    app_is_clean($login, 'signer allowed');

    is_user(
        ask($main, forged($login, signer => JSON::PP::null), $login),
        $login, 'a signer of null'
    );
}


# ---- Which forms are taken ------------------------------------------------

{
    my $login = login('carol');
    my %of    = (token => $login->{verificationToken},
        exported => $login->{exportedSession});

    # Where: which of the two is refused
    my %refused = ('/' => '', '/any' => '', '/token' => 'exported',
        '/exported' => 'token');

    for my $path (sort keys %refused) {
        for my $form (sort keys %of) {
            my $name   = "$form at $path";
            my $answer = ask($main, $of{$form}, $login, path => $path);

            $refused{$path} eq $form
                ? is_refused($answer, 400, 'session_malformed', $name)
                : is_user($answer, $login, $name);
        }
    }

    # A server without the location takes tokens only, and never sends a
    # session as if it were one.
    my $nginx = start_nginx(
        http   => http_config(provider => "public_key $PARA_PUBLIC_KEY;"),
        server => join "\n", LARGE_SPACE, $SERVER =~ s{
            ^\s*location\ /(?:any|exported)\ \{[^\}]*\}\n}{}gmrx,
        verify_location()
    );
    reset_all();
    is_refused(ask($nginx, $of{exported}, $login),
        400, 'session_malformed', 'no touch location');
    is(para_calls(), 0, 'no touch location: Para is not asked');
    is_user(ask($nginx, $of{token}, $login), $login,
        'no touch location, a token');
    $nginx->stop;

    # A server that takes exported sessions only needs no more than they do.
    my %conf = options(server => <<"CONF");
        para_auth app;
        para_auth_session_type exported;
        location / { proxy_pass $APP_URL; }
CONF
    $conf{http}   =~ s/secret_key_file [^;]*;// or die;
    $conf{server} = join "\n", LARGE_SPACE, <<"CONF", touch_location();
        para_auth app;
        para_auth_session_type exported;
        location / { proxy_pass $APP_URL; }
CONF
    $nginx = start_nginx(%conf);
    is_user(ask($nginx, $of{exported}, $login), $login, 'no secret key');
    $nginx->stop;
}

# Also from a cookie, and both at once are one too many.
{
    my $nginx = gateway(server => <<"CONF");
        para_auth app;
        para_auth_session_token \$cookie_sid \$http_x_para_session;
        add_header X-Status \$para_auth_status always;
        location / { proxy_pass $APP_URL; }
CONF
    my $login = login('dave');
    my $blob  = $login->{exportedSession};
    reset_all();

    my $answer = get($nginx->{port}, '/',
        "Cookie: a=b; sid=$blob; c=d\n" . bearer($login->{jwt}));
    is_user($answer, $login, 'in a cookie');
    app_is_clean($login, 'in a cookie');

    is_refused(
        get(
            $nginx->{port}, '/',
            "Cookie: sid=$login->{verificationToken}\n"
                . headers($blob, $login)
        ),
        400,
        'session_malformed',
        'a token and an exported one'
    );
    $nginx->stop;
}


# ---- Sizes ----------------------------------------------------------------

{
    my $login = login('erin');
    my $room  = BLOB_MAX / 4 * 3;
    my $used  = length $JSON->encode(
        {%{read_blob($login->{exportedSession})}, x => ''});

    my $largest = forged($login, x => 'y' x ($room - $used));
    is(length $largest, BLOB_MAX, 'the largest: its size');
    is_user(ask($main, $largest, $login), $login, 'the largest');
    is_refused(
        ask($main, forged($login, x => 'y' x ($room - $used + 1)), $login),
        400, 'session_malformed', 'one byte more');

    # With nginx's own buffers a header of more than 8 KB is its own 400.
    my %conf = options();
    $conf{server} =~ s/\Q${\LARGE_SPACE}\E// or die;
    my $nginx = start_nginx(%conf);
    is_user(ask($nginx, $login->{exportedSession}, $login), $login,
        'a usual one with nginx\'s own buffers');
    is(ask($nginx, forged($login, x => 'y' x BLOB_LARGE), $login)->{status},
        400, 'a large one with nginx\'s own buffers');
    $nginx->stop;
}


# ---- How a session ends ---------------------------------------------------

{
    my $login = login('alice', ttl => 2);
    my $blob  = $login->{exportedSession};
    my $jwt   = login('alice');

    reset_all();
    is_user(ask($main, $blob, $jwt, path => '/none'), $login, 'before its end');
    sleep 2.2;
    new_log($main);

    my $answer = ask($main, $blob, $jwt, path => '/none');
    is_refused($answer, 401, 'session_expired', 'expired');
    like($answer->{header}{'www-authenticate'},
        qr/error_description="session expired"/, 'expired: says so');
    is(lines_like('\[error\]', new_log($main)), 0, 'expired: not an error');
    is(para_calls(TOUCH), 2, 'expired: asked');

    # Para's word is kept, and of the cookie, whatever is around it.
    reset_all();
    my $ended = login('bob');
    end_session($ended);
    is_refused(ask($main, $_, $ended), 401, 'session_expired', 'ended')
        for $ended->{exportedSession}, forged($ended, x => 1);
    is(para_calls(TOUCH), 1, 'ended: one call');
    is(app_count(),       0, 'ended: nothing at the app');

    # Words that are not true are no end, and no session either.
    for my $word (JSON::PP::false, undef, 'true', 1, {}, []) {
        my $said  = defined $word ? $JSON->allow_nonref->encode($word) : 'none';
        my $other = login('carol');
        reset_all();
        fault(
            TOUCH, 'answer',
            body => {
                userId    => $other->{userId},
                partnerId => 'p',
                (defined $word ? (isAuthenticated => $word) : ())
            }
        );
        my $status = ask($main, $other->{exportedSession}, $other)->{status};
        ref $word eq 'JSON::PP::Boolean' || !defined $word
            ? is($status, 401, "isAuthenticated $said: has ended")
            : isnt($status, 200, "isAuthenticated $said: is not let in");
        is(app_count(), 0, "isAuthenticated $said: nothing at the app");
    }

    # One whose user nobody names is nobody's.
    my $other = login('carol');
    reset_all();
    fault(TOUCH, 'answer', body => {isAuthenticated => JSON::PP::true});
    is_refused(ask($main, $other->{exportedSession}, $other),
        503, 'para_unavailable', 'active, but no user id');
}


# ---- Faults ---------------------------------------------------------------

# Each: [what, mode, options, Retry-After]
my @FAULTS = (
    ['the key refused, 401', '401',         {}, 5],
    ['the key refused, 403', '403',         {}, 5],
    ['not found',            '404',         {}, 5],
    ['rate limit, 7 s',      '429',         {retry_after => 7}, 7],
    ['rate limit, an hour',  '429',         {retry_after => 3600}, 60],
    ['server error',         '500',         {}, 5],
    ['unavailable, 9 s',     '503',         {retry_after => 9}, 9],
    ['server error, 9 s',    '500',         {retry_after => 9}, 5],
    ['HTML',                 'html',        {}, 5],
    ['half a JSON',          'bad_json',    {}, 5],
    ['no HTTP at all',       'garbage',     {}, 5],
    ['truncated',            'truncated',   {}, 5],
    ['truncated, chunked',   'truncated_chunked', {}, 5],
    ['connection reset',     'reset',       {}, 5],
    ['connection closed',    'close',       {}, 5],
    ['redirect',             'redirect',    {}, 5],
    ['1 MB',                 'oversized',   {}, 5],
    ['17 KB',                'oversized',   {size => 17000}, 5],
    ['a huge header',        'huge_header', {}, 5],
    ['an empty object',      'empty',       {}, 5],
    ['wrong types',          'wrong_types', {}, 5],
    ['CRLF in a value',      'crlf',        {}, 5],
    ['slow beyond',          'slow',        {delay_ms => 2500}, 5],
    ['hang',                 'hang',        {}, 5],
    ['204',                  'answer',      {status => 204}, 5],
    ['201 with the answer',  'answer',      {status => 201,
        body => {isAuthenticated => JSON::PP::true, userId => 'x'}}, 5],
);

{
    # For those who hang alone: a busy machine may be late to answer, too.
    my @quick = (
        'proxy_read_timeout\s+3s'          => 'proxy_read_timeout 1s',
        'proxy_next_upstream_timeout\s+6s' =>
            'proxy_next_upstream_timeout 1200ms',
    );

    # Each has a gateway of its own, which has not seen Para fail before.
    for my $one (@FAULTS) {
        my ($name, $mode, $options, $retry_after) = @$one;
        my $odd   = $mode =~ /\A(?:empty|wrong_types|crlf)\z/;
        my $held  = $mode =~ /\A(?:429|503)\z/;
        my $hangs = $mode =~ /\A(?:slow|hang)\z/;
        my $nginx = gateway(edit => $hangs ? \@quick : []);
        my $login = login('alice');
        my $blob  = $login->{exportedSession};

        reset_all();
        new_log($nginx);
        fault(TOUCH, $mode, %$options);

        for my $try (1, 2) {
            my $answer = ask($nginx, $blob, $login);
            is_refused($answer, 503, 'para_unavailable', "$name, try $try");
            is($answer->{header}{'retry-after'},
                $retry_after, "$name: Retry-After, try $try");
            ok(!$answer->{header}{'www-authenticate'},
                "$name: no challenge, try $try");
        }

        is(app_count(), 0, "$name: nothing at the app");
        $held
            ? is(para_calls(TOUCH), 1, "$name: not asked again before")
            : cmp_ok(para_calls(TOUCH), '>=', 2,
                "$name: asked again, not cached");

        my $log = new_log($nginx);
        is( lines_like(
                '\[error\].*para_auth: Para (?:is unavailable|refuses)', $log),
            $odd ? 0 : 1,
            "$name: one line at error"
        );
        like($log,
            qr/refuses the public API key \($mode\), check public_key/,
            "$name: says what to check")
            if $mode =~ /\A40[13]\z/;
        is_clean($log, $login, "$name: the log");

        # The other endpoint has nothing to do with it, unless Para itself says
        # when to ask again.
        is(get($nginx->{port}, '/', credentials($login))->{status},
            $held ? 503 : 200, "$name: a token");

        fault(TOUCH, 'off');
        if (!$held) {
            is_user(ask($nginx, $blob, $login), $login, "$name: well again");
            is(lines_like('\[notice\].*Para answers again', new_log($nginx)),
                $odd ? 0 : 1, "$name: one line that says so");
        }
        $nginx->stop;
    }
}

# A byte a second gets round proxy_read_timeout, but not round the time that a
# call may take.  Both who asked and who waits are told then.
{
    my @logins = map { login($_) } qw(alice bob);
    my @texts = (
        (   request_text('/', close => 1,
                headers => headers($logins[0]{exportedSession}, $logins[0]))
        ) x 4,
        (   request_text('/', close => 1, headers => credentials($logins[1]))
        ) x 4,
    );

    for my $mode (qw(trickle trickle_head)) {
        reset_all();
        new_log($main);
        fault($_, $mode, delay_ms => 900) for TOUCH, VERIFY;

        my $began   = time;
        my @answers = burst($main->{port}, \@texts, timeout => 25);
        my $took    = time - $began;

        is_deeply([map { $_->{status} } @answers], [(503) x 8],
            "$mode: all refused");
        cmp_ok($took, '>', TIME_LIMIT - 4, "$mode: not at once");
        cmp_ok($took, '<', TIME_LIMIT + 3, "$mode: at the time limit");
        is(app_count(), 0, "$mode: nothing at the app");

        my $log = new_log($main);
        like($log, qr/Para is unavailable: [^\n]*, it took too long/,
            "$mode: the log says why")
            if $mode eq 'trickle';
        unlike($log, qr/\[alert\]|\[crit\]/, "$mode: nothing went wrong");
    }

    reset_all();
    is_user(ask($main, $logins[0]{exportedSession}, $logins[0]),
        $logins[0], 'trickle: well again');

    # Neither does a name server that never answers.
    my $silent = black_hole_port('udp');
    my $nginx  = start_nginx(
        http => http_config(
            api      => 'https://para.test',
            provider => "public_key $PARA_PUBLIC_KEY;",
            http     => "resolver 127.0.0.1:$silent; resolver_timeout 30s;",
        ),
        server => join "\n",
        LARGE_SPACE,
        $SERVER,
        verify_location(),
        touch_location()
    );

    my $began   = time;
    my @answers = burst($nginx->{port}, \@texts, timeout => 25);
    my $took    = time - $began;

    is_deeply([map { $_->{status} } @answers], [(503) x 8],
        'no name server: all refused');
    cmp_ok($took, '>', TIME_LIMIT - 1, 'no name server: not at once');
    cmp_ok($took, '<', TIME_LIMIT + 3, 'no name server: at the time limit');
    is_healthy($nginx, 'no name server');
    $nginx->stop;

    # When its time is over there is no other try, whoever else could be asked.
    my %conf = options(edit => [
        'proxy_read_timeout\s+3s'          => 'proxy_read_timeout 20s',
        'proxy_next_upstream_tries\s+2'    => 'proxy_next_upstream_tries 0',
        'proxy_next_upstream_timeout\s+6s' => 'proxy_next_upstream_timeout 0',
    ]);
    $conf{http} =~ s{api \S+;}{api http://localhost;} or die;
    $conf{http} .= 'upstream localhost { '
        . "server 127.0.0.1:$PARA_PORT max_fails=0; " x 3 . '}';
    $nginx = start_nginx(%conf);

    reset_all();
    fault(TOUCH, 'hang');
    $began = time;
    is_refused(ask($nginx, $logins[0]{exportedSession}, $logins[0]),
        503, 'para_unavailable', 'others to ask');
    $took = time - $began;
    cmp_ok($took, '>', TIME_LIMIT - 1, 'others to ask: not at once');
    cmp_ok($took, '<', TIME_LIMIT + 3, 'others to ask: at the time limit');
    is(para_calls(TOUCH), 1, 'others to ask: they are not');
    $nginx->stop;
}


# ---- Many at once ---------------------------------------------------------

# One call for one cookie, whatever is around it.
{
    my $login = login('alice');
    my @blobs = (
        $login->{exportedSession},
        forged($login, wallets => undef),
        forged($login, userId => undef),
        forged($login, x => 'y'),
        forged($login, userId => 'mallory'),
    );
    my @texts = map {
        request_text('/', headers => headers($_, $login), close => 1)
    } (@blobs) x 20;

    reset_all();
    fault(TOUCH, 'slow', delay_ms => 300);
    my @answers = burst($main->{port}, \@texts);

    is(para_calls(TOUCH), 1, 'many: one call');
    is(scalar(grep { $_->{status} == 200 } @answers), 80, 'many: let in');
    is(scalar(grep { $_->{status} == 401 } @answers), 20, 'many: refused');
    is_deeply(
        [grep { $answers[$_]{status} == 401 } 0 .. $#answers],
        [map { $_ * 5 + 4 } 0 .. 19],
        'many: those with another\'s id'
    );
}

# Users, forms and thieves mixed: each is himself or nobody.
{
    my $nginx = gateway(workers => 2);

    for my $round (1 .. 4) {
        my @logins = map { login($_) } @USERS;
        my (@texts, @expected);

        for my $i (shuffle((0 .. $#logins) x 25)) {
            my $login = $logins[$i];
            my $other = $logins[($i + 1) % @logins];
            my $kind  = int rand 4;

            my $headers =
                  $kind == 0 ? headers($login->{exportedSession}, $login)
                : $kind == 1 ? credentials($login)
                : $kind == 2 ? headers($login->{exportedSession}, $other)
                : headers(forged($login, userId => $other->{userId}), $login);

            push @texts, request_text('/', headers => $headers, close => 1);
            push @expected, $kind < 2 ? $login->{userId} : 'refused';
        }

        reset_all();
        fault($_, 'slow', delay_ms => 50, times => 6) for TOUCH, VERIFY;
        my @answers = burst($nginx->{port}, \@texts);
        my @got     = map {
            $_->{status} == 200 ? $_->{json}{para}{'X-Para-User-Id'}
                : $_->{status} == 401 ? 'refused'
                : "status $_->{status}"
        } @answers;

        is_deeply(\@got, \@expected, "mixed: round $round");
    }
    $nginx->stop;
}


# One connection, many users: what was read of one is not there for the next.
{
    my @logins = map { login($_) } @USERS;
    my @order  = shuffle((0 .. $#logins) x 4);
    my @texts  = map {
        my $blob = $_ % 2 ? $logins[$_]{exportedSession}
            : $logins[$_]{verificationToken};
        request_text('/', headers => headers($blob, $logins[$_]))
    } @order;

    reset_all();
    my $socket = connect_to($main->{port});
    for my $i (0 .. $#order) {
        is_user(exchange($socket, $texts[$i]), $logins[$order[$i]], 'kept');
        is_refused(exchange($socket, request_text('/session')),
            401, 'session_missing', 'kept: nobody');
    }

    send_text($socket, join '', @texts);
    is_user(read_answer($socket), $logins[$_], 'pipelined') for @order;
    is(para_calls(), scalar @USERS, 'one connection: a call for each');
}

# HTTP/2, where a header's size is limited by the same directive.
{
    my $h2    = free_ports() + 5;
    my $nginx = gateway(server => <<"CONF");
        listen 127.0.0.1:$h2 http2;
        para_auth app;
        location / { proxy_pass $APP_URL; }
CONF
    my $login = login('carol');

    for my $blob ($login->{exportedSession},
        forged($login, x => 'y' x BLOB_LARGE))
    {
        my $file = put_file('h2', headers($blob, $login) . "\n");
        my $curl = "curl -s --http2-prior-knowledge -d body -H \@$file";
        my $body = qx($curl http://127.0.0.1:$h2/);
        my $json = eval { $JSON->decode($body) } // {};

        is($json->{para}{'X-Para-User-Id'}, $login->{userId},
            'HTTP/2, ' . length($blob) . ' bytes');
        is($json->{body_length}, 4, 'HTTP/2: the body');
    }
    $nginx->stop;
}


# ---- What e-mail says -----------------------------------------------------

{
    my $nginx = gateway(
        provider => own_issuer(),
        server   => <<"CONF");
        para_auth app;
        add_header X-Status \$para_auth_status always;
        location / { proxy_pass $APP_URL; }
        location /present { para_auth_match present; proxy_pass $APP_URL; }
CONF
    my $login = login('alice');
    my $blob  = $login->{exportedSession};

    my $try = sub {
        my ($path, %claims) = @_;
        return get($nginx->{port}, $path, join "\n", "X-Para-Session: $blob",
            bearer(own_jwt(user => 'alice', claims => \%claims)));
    };

    is_user($try->('/'), $login, 'by user id');
    is_refused($try->('/', para_user_id => undef),
        401, 'identity_mismatch', 'by e-mail alone');
    is($try->('/present', para_user_id => undef)->{status},
        200, 'by e-mail alone, match present');
    is($try->('/present', para_user_id => undef,
            auth_identifier => 'ALICE@example.com')->{status},
        200, 'the case of an address');
    is_refused($try->('/present', para_user_id => undef,
            auth_identifier => 'bob@example.com'),
        401, 'identity_mismatch', 'another e-mail, match present');
    is_refused($try->('/', auth_identifier => 'bob@example.com'),
        401, 'identity_mismatch', 'another e-mail, the same user id');
    is_user(
        $try->('/', auth_method => 'phone', auth_identifier => '+13105551234'),
        $login, 'an identifier that is no e-mail'
    );
    $nginx->stop;
}


# ---- Nothing is left ------------------------------------------------------

# The pages that the workers share: nothing of a session is in them.
sub shared_memory {
    my ($pid) = @_;

    my $text = '';
    open my $maps, '<', "/proc/$pid/maps" or die "maps: $!";
    open my $memory, '<:raw', "/proc/$pid/mem" or return;

    while (<$maps>) {
        my ($from, $to) = map { Math::BigInt->from_hex($_)->numify }
            /\A([0-9a-f]+)-([0-9a-f]+) rw-s / or next;
        sysseek $memory, $from, 0 or next;
        sysread $memory, my $bytes, $to - $from or next;
        $text .= $bytes;
    }

    return $text;
}

{
    my @logins = map { login($_) } @USERS;
    reset_all();

    for my $login (@logins) {
        ask($main, $login->{$_}, $login, path => '/signer')
            for qw(exportedSession exportedSessionWithSigner);
    }

    my $text = shared_memory($main->pid);

    SKIP: {
        skip 'the memory of another process cannot be read', 2
            if !length($text // '');

        ok(index($text, 'alice@example.com') >= 0,
            'shared memory: an identity is there');
        is_clean($text, $_, 'shared memory') for @logins;
    }

    is_clean($main->error_log, $_, 'the whole log') for @logins;
}

# Its cookie is a variable, and empty to everybody who asks for it elsewhere.
{
    my $nginx = start_nginx(options(
        edit => [
            '^    internal;$' => '    internal; set $stolen '
                . '"<$para_auth_session_cookie$para_auth_public_key>"; '
                . 'log_subrequest on;',
            'access_log\s+off' => 'access_log stolen.log stolen',
        ],
        http => 'log_format stolen "$stolen <$para_auth_session_cookie>";',
        server => <<"CONF"));
        add_header X-Cookie "<\$para_auth_session_cookie>" always;
        location / { para_auth app; proxy_pass $APP_URL;
            proxy_set_header X-Cookie "<\$para_auth_session_cookie>"; }
CONF
    my $login = login('erin');
    reset_all();
    my $answer = ask($nginx, $login->{exportedSession}, $login);

    is_user($answer, $login, 'the cookie elsewhere');
    is($answer->{header}{'x-cookie'}, '<>', 'the cookie: not to the client');
    app_is_clean($login, 'the cookie elsewhere');

    wait_until(5, sub { -s "$nginx->{dir}/stolen.log" });
    open my $in, '<', "$nginx->{dir}/stolen.log" or die "stolen.log: $!";
    is(scalar <$in>, "<> <->\n", 'the cookie: not in the access log');
    $nginx->stop;
}

# It does not leave for anybody but Para.
{
    my $nginx = gateway(
        edit => ['proxy_pass\s+\S+;' => 'proxy_pass $elsewhere/touch;'],
        http => "map 1 \$elsewhere { default $APP_URL; }",
    );
    my $login = login('erin');
    reset_all();

    is(ask($nginx, $login->{exportedSession}, $login)->{status}, 503,
        'proxy_pass to the app');
    app_is_clean($login, 'proxy_pass to the app');
    ok(index($JSON->encode(app_calls()), $PARA_PUBLIC_KEY) < 0,
        'proxy_pass to the app: no key');
    like(
        new_log($nginx),
        qr{leads to another host .*\$para_auth_api/touch\?regenerate=false},
        'proxy_pass to the app: the log says what to write'
    );
    $nginx->stop;
}

# Without its cookie a question is none: Para's answer would end all sessions.
{
    my $nginx = gateway(
        edit => ['proxy_set_header\s+X-Capsule-Sid[^;]*;' => ''],
        server => "$SERVER\n location /x { proxy_pass $APP_URL; "
            . 'proxy_set_header X-A $para_auth_session_cookie; }',
    );
    my $login = login('erin');
    reset_all();

    is_refused(ask($nginx, $login->{exportedSession}, $login),
        503, 'para_unavailable', 'no cookie in the location');
    like(
        new_log($nginx),
        qr/without the session's cookie: write "proxy_set_header X-Capsule-S/,
        'no cookie in the location: the log says what to write'
    );
    $nginx->stop;
}

# Someone else's request in the location, and a call for the other location.
{
    my $login = login('alice');
    reset_all();
    is(get($main->{port}, '/_para_auth/touch',
            headers($login->{exportedSession}, $login))->{status},
        404, 'the location itself');
    is(para_calls(), 0, 'the location itself: no call');

    my $nginx = gateway(
        server => "rewrite ^/_para_auth/touch\$ /_para_auth/verify;\n$SERVER");
    is_refused(ask($nginx, $login->{exportedSession}, $login),
        503, 'para_unavailable', 'led to the location for tokens');
    is(para_calls(), 0, 'led to the location for tokens: no call');
    $nginx->stop;
}

# A cache that is inherited is not used, for neither of the two.
{
    my $nginx = gateway(
        http => "proxy_cache_path $PARA_DIR/cache keys_zone=c:1m;\n"
            . 'proxy_cache c; proxy_cache_valid any 1h; '
            . 'proxy_cache_methods POST; proxy_cache_key one; '
            . 'proxy_ignore_headers Set-Cookie Cache-Control;',
        server => $SERVER =~ s/proxy_pass/proxy_cache off; proxy_pass/gr,
    );
    reset_all();

    for my $user (@USERS) {
        my $login = login($user);
        is_user(ask($nginx, $login->{exportedSession}, $login),
            $login, "proxy_cache in http{}: $user, exported");
        is_user(get($nginx->{port}, '/', credentials($login)),
            $login, "proxy_cache in http{}: $user, token");
    }
    is(para_calls(TOUCH),  scalar @USERS, 'proxy_cache: each is asked about');
    is(para_calls(VERIFY), scalar @USERS, 'proxy_cache: by token too');
    $nginx->stop;
}

done_testing();
