#!/usr/bin/perl

# The decision: who is let in, who is refused with which answer, and what the
# variables say; then what time does to it.

use strict;
use warnings;

use FindBin     ();
use Time::HiRes ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use Test::Nginx::Socket 'no_plan';

use constant {
    WAIT       => 30,
    MOMENT     => 4,
    MAX_SID    => 1024,
    MIN_SECRET => 16,
};

# For the "eval" sections: people who have logged in.
our ($alice, $bob, $carol, $dave, $frank) =
    map { login($_) } qw(alice bob carol dave frank);
our $sid     = 's' x MAX_SID;
our $wallets = join ',',
    map {"$_->{type}:$_->{address}"} @{$alice->{user}{wallets}};

# The variables, as an answer shows them.
put_file('show.conf', <<'CONF');
add_header X-Status     $para_auth_status always;
add_header X-User       $para_auth_user_id always;
add_header X-Internal   $para_auth_internal_user_id always;
add_header X-Roles      $para_auth_roles always;
add_header X-Wallets    $para_auth_wallets always;
add_header X-Identifier $para_auth_identifier always;
add_header X-Type       $para_auth_type always;
add_header X-Issuer     $para_auth_issuer always;
add_header X-Cache      $para_auth_cache always;
CONF

# Header lines of one request.
sub Test::Base::Filter::fields { return join '', map {"$_\n"} @_ }

# A JWT of the backend's with other claims, and alice's session.
sub Test::Base::Filter::own_claims {
    my (%claims) = @_;
    return Test::Base::Filter::fields(bearer(own_jwt(claims => \%claims)),
        credentials($alice, 'session'));
}

# A user's session with a JWT of the backend's about the same user.
sub Test::Base::Filter::own_and {
    my ($login, %claims) = @_;
    return Test::Base::Filter::fields(
        bearer(own_jwt(user => $login, claims => \%claims)),
        credentials($login, 'session'));
}

ParaTest::setup_blocks();

# nginx's own debug log prints all headers; at "info" we have one line for each
# refusal, and nothing of a credential.
log_level('info');
no_long_string();

my $api_key = slurp("$PARA_DIR/secret.key");
chomp $api_key;

# A section of our own: "reasons" has a line for each request, "-" for one that
# is not refused.
Test::Nginx::Socket::add_response_body_check(sub {
    my ($block, undef, $index, undef, $dry_run) = @_;

    # nginx itself shows the header that it refuses as the second of its kind.
    my $log = slurp($Test::Nginx::Util::ErrLogFile);
    $log =~ s/^.* client sent duplicate header line: .*$//gm;

    my @sent = map { ref $_ ? @$_ : $_ } grep {defined}
        scalar $block->more_headers;
    my @secrets = grep { length > MIN_SECRET } map { split /\./ }
        map { /^(?:Authorization|X-[\w-]+|Cookie):\s*(?:Bearer )?(.*)$/gmi }
        @sent;
    is(scalar(grep { index($log, $_) >= 0 } @secrets, $api_key), 0,
        $block->name . " - no credential in the log, request $index");

    my $reasons = $block->reasons;
    return if !defined $reasons || $dry_run;

    my @expected = (split /\n/, $reasons)[0 .. $index];
    my @got = $log =~ /para_auth: refused, code \S+, reason (\S+),/g;
    is("@got", join(' ', grep { $_ ne '-' } @expected),
        $block->name . " - reasons, request $index");
});

run_tests();


# ---- Time: an nginx that lives longer than a block ------------------------

sub status_of {
    my ($nginx, $path, @lines) = @_;
    my $answer = http_raw(
        join("\r\n", "GET $path HTTP/1.1", 'Host: a', 'Connection: close',
            (map { split /\n/ } @lines), '', ''),
        port => $nginx->{port},
    );
    my ($status) = $answer =~ /^X-Status: (\S+)\r$/m;
    my ($cache)  = $answer =~ /^X-Cache: (\S+)\r$/m;
    return join ' ', $status // '-', $cache // '-';
}

my $nginx = start_nginx(
    http => http_config(
        provider => 'leeway 0;',
        http     => "log_format para '\$para_auth_status|\$para_auth_user_id"
            . "|\$para_auth_type|\$para_auth_cache|\$status';\n"
    ),
    server => <<"CONF" . verify_location());
        include $PARA_DIR/show.conf;
        access_log $PARA_DIR/access.log para;
        para_auth_session_cache valid=3s negative=3s;
        para_auth app;
        location / { proxy_pass $APP_URL; }
        location /long {
            para_auth_session_cache valid=1m;
            proxy_pass $APP_URL;
        }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
CONF

sub becomes {
    my ($expected, $name, @request) = @_;
    my $last;
    wait_until(WAIT,
        sub { ($last = status_of($nginx, @request)) =~ $expected });
    like($last, $expected, $name);
    return;
}

# An identity that is cached ends with its JWT, to the second.
for my $path ('/jwt', '/long') {
    my $exp     = time + MOMENT + 1;
    my @request = ($path, bearer(para_jwt($alice, exp => $exp)),
        credentials($alice, 'session'));

    is(status_of($nginx, @request), 'ok MISS', "$path: a JWT that ends soon");
    is(status_of($nginx, @request), 'ok HIT',  '... is cached');
    becomes(qr/\Atoken_expired /, '... and ends', @request);

    # Perl's own time() may be some ms behind nginx's.
    cmp_ok(Time::HiRes::time(), '>=', $exp, '... not too early');
    cmp_ok(time, '<=', $exp + MOMENT, '... nor too late');
}

# Para's word is good for three seconds here, the good one and the bad one.
{
    my $login = login('carol');
    my @sent  = credentials($login);

    is(status_of($nginx, '/', @sent), 'ok MISS', 'a session');
    end_session($login);
    is(status_of($nginx, '/', @sent), 'ok HIT', '... ended, and cached');
    becomes(qr/\Asession_expired /, '... and refused in time', '/',
        @sent);

    my $calls = para_calls('/sessions/verify');
    is(status_of($nginx, '/', @sent), 'session_expired -', '... again');
    is(para_calls('/sessions/verify'), $calls, '... without a call');
    ok(
        wait_until(
            WAIT,
            sub {
                status_of($nginx, '/', @sent);
                return para_calls('/sessions/verify') > $calls;
            }
        ),
        '... and Para is asked again in time'
    );
}

# One person's answer is never another's, whatever is cached.
{
    is(status_of($nginx, '/', credentials($bob)), 'ok MISS', 'bob');
    is(status_of($nginx, '/', credentials($dave)), 'ok MISS', 'dave');
    is(status_of($nginx, '/', credentials($bob, 'jwt'),
            credentials($dave, 'session')), 'identity_mismatch -',
        'bob\'s JWT with dave\'s session');
    is(status_of($nginx, '/', credentials($dave, 'jwt'),
            credentials($bob, 'session')), 'identity_mismatch -',
        'dave\'s JWT with bob\'s session');
}

my $access = "$PARA_DIR/access.log";
like(slurp($access), qr/^ok\|$bob->{userId}\|email\|MISS\|200$/m,
    'the access log knows who it was');
like(slurp($access), qr/^identity_mismatch\|-\|-\|-\|401$/m,
    'and nobody after a refusal');
unlike($nginx->error_log, qr/\[(?:error|crit|alert|emerg)\]/,
    'nothing grave in the log');


__DATA__

=== TEST 1: both layers good, Para's JWT
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- login: alice
--- request eval
[('GET /') x 3]
--- error_code eval
[(200) x 3]
--- response_headers eval
[map { "X-Status: ok
X-User: $::alice->{userId}
!X-Internal
!X-Roles
X-Wallets: $::wallets
X-Identifier: alice\@example.com
X-Type: email
X-Issuer: para
X-Cache: $_
!WWW-Authenticate
!Retry-After" } qw(MISS HIT HIT)]
--- response_body_like eval
[(qr/"X-Para-User-Id"/) x 3]
--- para_calls eval
[1, 1, 1]
--- app_requests eval
[1, 2, 3]
--- reasons
-
-
-



=== TEST 2: the backend's own JWTs, by each algorithm, over one session
--- provider eval: own_issuer()
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[map { fields(bearer(own_jwt(alg => $_)), credentials($::alice, 'session')) }
    qw(RS256 ES256 HS256)]
--- request eval
[('GET /') x 3]
--- error_code eval
[(200) x 3]
--- response_headers eval
[map { "X-Status: ok
X-User: $::alice->{userId}
X-Internal: u-alice
X-Roles: user
!X-Wallets
X-Identifier: alice\@example.com
X-Type: email
X-Issuer: $$_[0]
X-Cache: $$_[1]" } [backend => 'MISS'], [backend => 'HIT'],
    ['backend-hmac' => 'HIT']]
--- para_calls eval
[1, 1, 1]
--- app_requests eval
[1, 2, 3]



=== TEST 3: the names that older guides have, and none of Para's own
--- provider eval: own_issuer()
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app jwt;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[
own_claims(para_user_id => undef, capsule_user_id => 'c-1',
    internal_user_id => undef, sub => 's-1', roles => 'admin'),
own_claims(capsule_user_id => 'c-1', sub => 's-1'),
own_claims(para_user_id => undef, data => {userId => 'd-1'}),
]
--- request eval
[('GET /') x 3]
--- error_code eval
[(200) x 3]
--- response_headers eval
["X-User: c-1
X-Internal: s-1
X-Roles: admin",
"X-User: $::alice->{userId}
X-Internal: u-alice
X-Roles: user",
"!X-User
!X-Wallets"]



=== TEST 4: claims of one's own: nested, with dots in a name, in an order
--- provider eval
own_issuer(more => q{
    claim user_id          nothing user.id;
    claim internal_user_id "sub";
    claim roles            '"https://example.com/roles"' realm.'"a.b"'.roles;
    claim identifier       user.contact.mail auth_identifier;
    claim type             user.login;
    claim wallets          user.wallets;
}) =~ s/realm\.'"a\.b"'\.roles/'realm."a.b".roles'/r
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[
own_claims(sub => 's-1', 'https://example.com/roles' => ['a', 'b'],
    user => {id => 'n-1', contact => {mail => 'alice@example.com'},
        login => 'email', wallets => [{type => 'EVM', address => '0x1'}]}),
own_claims(sub => 's-1', realm => {'a.b' => {roles => 'c'}},
    user => {login => 'email'}, nothing => 'n-2'),
own_claims(sub => 's-1', 'https://example' => {'com/roles' => 'x'},
    'user.login' => 'email', user => {login => 'email'}),
]
--- request eval
[('GET /') x 3]
--- error_code eval
[(200) x 3]
--- response_headers eval
["X-User: n-1
X-Internal: s-1
X-Roles: a,b
X-Identifier: alice\@example.com
X-Type: email
X-Wallets: EVM:0x1",
"X-User: n-2
X-Roles: c
X-Identifier: alice\@example.com",
"!X-User
!X-Roles"]



=== TEST 5: a PEM file has no kid, and takes whatever a token calls its key
--- provider eval
own_issuer(key_file => 'own-ec.pem', algorithms => 'ES256')
--- config
para_auth app jwt;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[map { fields(bearer($_)) } own_jwt(), own_jwt(header => {kid => undef}),
    own_jwt(header => {kid => 'x'}), own_jwt(alg => 'RS256')]
--- request eval
[('GET /') x 4]
--- error_code eval
[200, 200, 200, 401]
--- reasons
-
-
-
jws_alg_not_allowed



=== TEST 6: with an issuer of one's own, Para's tokens are not taken
--- provider eval
own_issuer() =~ s/para_issuer on/para_issuer off/r
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[fields(credentials($::alice)),
 fields(bearer(own_jwt()), credentials($::alice, 'session'))]
--- request eval
[('GET /') x 2]
--- error_code eval
[401, 200]
--- response_headers eval
['X-Status: token_invalid', 'X-Issuer: backend']
--- para_calls eval
[0, 1]
--- app_requests eval
[0, 1]
--- reasons
iss_unknown
-



=== TEST 7: unless that is switched on
--- provider eval: own_issuer()
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[fields(credentials($::alice)),
 fields(bearer(own_jwt()), credentials($::alice, 'session'))]
--- request eval
[('GET /') x 2]
--- error_code eval
[200, 200]
--- response_headers eval
['X-Issuer: para', 'X-Issuer: backend']



=== TEST 8: the JWT alone
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app jwt;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[fields(credentials($::alice, 'jwt')),
 fields(credentials($::alice, 'jwt'), 'X-Para-Session: not, a, token'),
 fields(credentials($::alice, 'session'))]
--- request eval
[('GET /') x 3]
--- error_code eval
[200, 200, 401]
--- response_headers eval
["X-Status: ok
X-User: $::alice->{userId}
X-Cache: MISS",
"X-Cache: HIT",
"X-Status: token_missing
!X-User
!X-Cache"]
--- para_calls eval
[0, 0, 0]
--- app_requests eval
[1, 2, 2]



=== TEST 9: the session alone
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app session;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[fields(credentials($::bob, 'session')),
 fields(credentials($::bob, 'session'), 'Authorization: Bearer not a token'),
 fields(credentials($::bob, 'jwt'))]
--- request eval
[('GET /') x 3]
--- error_code eval
[200, 200, 401]
--- response_headers eval
["X-Status: ok
!X-User
!X-Issuer
!X-Wallets
X-Identifier: bob\@example.com
X-Type: email
X-Cache: MISS",
"X-Cache: HIT",
"X-Status: session_missing
!X-Identifier"]
--- para_calls eval
[1, 1, 1]
--- app_requests eval
[1, 2, 2]



=== TEST 10: off, and no variable
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
['', fields(credentials($::alice)), "Authorization: Bearer a b\n"]
--- request eval
[('GET /') x 3]
--- error_code eval
[(200) x 3]
--- response_headers eval
[('!X-Status
!X-User
!X-Cache
!X-Identifier') x 3]
--- para_calls eval
[0, 0, 0]



=== TEST 11: inherited from http{} through server{} into locations, and off
--- http_config
para_auth app;
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
location /jwt {
    para_auth app jwt;
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
    location /jwt/below { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
    location /jwt/off {
        para_auth off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
        location /jwt/off/below {
            proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
        }
        location /jwt/off/on {
            para_auth app session;
            proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
        }
    }
}
location /post {
    para_auth off;
    limit_except GET { para_auth app jwt; }
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
}
--- login: alice jwt
--- request eval
['GET /', map({"GET $_"} qw(/jwt /jwt/below /jwt/off /jwt/off/below
    /jwt/off/on /post)), 'GET /_para_auth/verify']
--- error_code eval
[401, 200, 200, 200, 200, 401, 200, 404]
--- reasons
session_missing
-
-
-
-
session_missing
-
-



=== TEST 12: the Authorization header, in all that it may be
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app jwt;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
my $jwt = $::alice->{jwt};
[map {"$_\n"}
    "authorization: bearer $jwt",
    "AUTHORIZATION: BEARER $jwt",
    "Authorization: Bearer    $jwt  ",
    'Authorization: Basic YTpi',
    'Authorization: Digest username="a"',
    "Authorization: Bearer2 $jwt",
    "Authorization: $jwt",
    'Authorization:',
    'Authorization: Bearer',
    'Authorization: Bearer  ',
    "Authorization: Bearer\t$jwt",
    "Authorization: Bearer $jwt x",
    "Authorization: Bearer $jwt,",
    "Authorization: Bearer \"$jwt\"",
    'Authorization: Bearer ====',
    "Authorization: Bearer $jwt\nAuthorization: Bearer $jwt",
    "Authorization: Basic YTpi\nAuthorization: Bearer $jwt",
]
--- request eval
[('GET /') x 17]
--- error_code eval
[(200) x 3, (401) x 5, (400) x 9]
--- response_headers eval
[('X-Status: ok') x 3,
('X-Status: token_missing
WWW-Authenticate: Bearer realm="para"') x 5,
('X-Status: token_malformed
WWW-Authenticate: Bearer realm="para", error="invalid_request"') x 7,
('!X-User') x 2]
--- para_calls eval
[(0) x 17]
--- app_requests eval
[1, 2, (3) x 15]



=== TEST 13: sources of the JWT: which, how many, and do they agree
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app jwt;
para_auth_token bearer $http_x_jwt $cookie_jwt;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
my ($jwt, $other) = ($::alice->{jwt}, $::bob->{jwt});
[
fields("Authorization: Bearer $jwt"),
fields("X-Jwt: $jwt"),
fields("Cookie: a=b; jwt=$jwt; c=d"),
fields("Authorization: Bearer $jwt", "X-Jwt: $jwt", "Cookie: jwt=$jwt"),
fields('Authorization: Basic YTpi', "X-Jwt: $jwt"),
fields('X-Jwt:', "Cookie: jwt=$jwt"),
fields("Cookie: jwt=; a=b", "X-Jwt: $jwt"),
fields("Authorization: Bearer $jwt", "X-Jwt: $other"),
fields("Authorization: Bearer $jwt", "Cookie: jwt=$other"),
fields("X-Jwt: $other", "Cookie: jwt=$jwt"),
fields("X-Jwt: $jwt", "X-Jwt: $other"),
fields("X-Jwt: $jwt", "x-jwt: $jwt"),
fields("Cookie: jwt=$jwt; jwt=$other"),
fields("Cookie: jwt=$jwt", "Cookie: a=b; jwt=$other"),
fields('Authorization: Bearer', "X-Jwt: $jwt"),
fields("X-Jwt: Bearer $jwt"),
fields("Cookie: jwt=\"$jwt\""),
fields("Authorization: Bearer $jwt", 'X-Jwt: a b'),
fields("Cookie: ajwt=$jwt; jwta=$jwt"),
]
--- request eval
[('GET /') x 19]
--- error_code eval
[(200) x 7, (400) x 11, 401]
--- response_headers eval
[('X-Status: ok') x 7, ('X-Status: token_ambiguous') x 7,
 ('X-Status: token_malformed') x 3, 'X-Status: token_ambiguous',
 'X-Status: token_missing']
--- app_requests eval
[1 .. 7, (7) x 12]



=== TEST 14: sources of the session
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app session;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
location /own {
    para_auth_session_token $cookie_sid $http_x_sid;
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
}
--- more_headers eval
my ($token, $other) = map { $_->{verificationToken} } $::alice, $::bob;
[
fields("X-Para-Session: $token"),
fields("x-capsule-session: $token"),
fields("X-Para-Session: $token", "X-Capsule-Session: $token"),
fields("Cookie: sid=$token"),
fields("X-Sid: $token"),
fields('X-Para-Session: x', "Cookie: sid=$token", "X-Sid: $token"),
fields("X-Para-Session: $token", "X-Capsule-Session: $other"),
fields("X-Para-Session: $token", "X-Para-Session: $token"),
fields("Cookie: sid=$token", "X-Sid: $other"),
fields('X-Para-Session: a"b'),
fields('X-Para-Session: a,b'),
fields('X-Para-Session: a\\b'),
fields('X-Para-Session: a b'),
fields("X-Para-Session: a\x{e4}b"),
fields("X-Para-Session: ${main::sid}s"),
fields("X-Para-Session: $::alice->{exportedSession}"),
fields('X-Para-Session:'),
fields("X-Para-Session: $token"),
]
--- request eval
[('GET /') x 3, ('GET /own') x 3, ('GET /') x 2, 'GET /own', ('GET /') x 8,
 'GET /own']
--- error_code eval
[(200) x 6, (400) x 10, (401) x 2]
--- response_headers eval
[('X-Status: ok') x 6,
('X-Status: session_malformed
WWW-Authenticate: Bearer realm="para", error="invalid_request"') x 10,
('X-Status: session_missing
WWW-Authenticate: Bearer realm="para"') x 2]
--- para_calls eval
[(1) x 18]
--- reasons
-
-
-
-
-
-
session_ambiguous
session_ambiguous
session_ambiguous
session_malformed
session_malformed
session_malformed
session_malformed
session_malformed
session_malformed
session_malformed
session_missing
session_missing



=== TEST 15: the longest session token, with every character that it may have
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app session;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
["X-Para-Session: $main::sid\n",
 'X-Para-Session: '
    . CORE::join('', grep { !/[",\\]/ } map {chr} 33 .. 126) . "\n"]
--- request eval
[('GET /') x 2]
--- error_code eval
[401, 401]
--- response_headers eval
[('X-Status: session_expired') x 2]
--- para_calls eval
[1, 2]



=== TEST 16: which of several faults is told
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
my $expired = bearer(para_jwt($::alice, exp => time - 600));
my $invalid = bearer(tamper($::alice->{jwt}));
my $session = credentials($::alice, 'session');
[
'',
fields($session),
fields(credentials($::alice, 'jwt')),
fields('Authorization: Bearer', 'X-Para-Session: a,b'),
fields('Authorization: Bearer'),
fields('X-Para-Session: a,b'),
fields('X-Para-Session: a,b', $invalid),
fields($invalid),
fields($expired),
fields($invalid, 'X-Para-Session: unknown'),
fields($expired, 'X-Para-Session: unheard-of'),
fields($expired, credentials($::bob, 'session')),
fields(credentials($::alice, 'jwt'), 'X-Para-Session: unknown'),
fields(credentials($::alice, 'jwt'), credentials($::bob, 'session')),
]
--- request eval
[('GET /') x 14]
--- error_code eval
[(401) x 3, (400) x 4, (401) x 7]
--- response_headers eval
[map {"X-Status: $_
!X-User"} qw(token_missing token_missing session_missing token_malformed
token_malformed session_malformed session_malformed session_missing
session_missing token_invalid session_expired token_expired session_expired
identity_mismatch)]
--- para_calls eval
[(0) x 10, 1, 2, 3, 3]
--- app_requests eval
[(0) x 14]



=== TEST 17: what each refusal looks like
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
my $session = credentials($::alice, 'session');
[
'',
fields('Authorization: Bearer'),
fields(credentials($::alice, 'jwt')),
fields(credentials($::alice, 'jwt'), 'X-Para-Session: a,b'),
fields(bearer('a.b.c'), $session),
fields(bearer(tamper($::alice->{jwt})), $session),
fields(bearer(para_jwt($::alice, exp => time - 600)), $session),
fields(credentials($::alice, 'jwt'), 'X-Para-Session: unknown'),
fields(credentials($::alice, 'jwt'), credentials($::bob, 'session')),
]
--- request eval
[('GET /') x 9]
--- error_code eval
[401, 400, 401, 400, (401) x 5]
--- response_headers eval
my $realm = 'WWW-Authenticate: Bearer realm="para"';
my $bad  = 'error="invalid_token"';
my $more = "\n!Retry-After\n!X-User\n!X-Type";
[
"X-Status: token_missing\n$realm$more",
"X-Status: token_malformed\n$realm, error=\"invalid_request\"$more",
"X-Status: session_missing\n$realm$more",
"X-Status: session_malformed\n$realm, error=\"invalid_request\"$more",
"X-Status: token_invalid\n$realm, error=\"invalid_token\"$more",
"X-Status: token_invalid\n$realm, error=\"invalid_token\"$more",
"X-Status: token_expired
$realm, $bad, error_description=\"token expired\"$more",
"X-Status: session_expired
$realm, $bad, error_description=\"session expired\"$more",
"X-Status: identity_mismatch\n$realm, error=\"invalid_token\"$more",
]
--- para_calls eval
[(0) x 6, 1, 2, 3]
--- app_requests eval
[(0) x 9]
--- reasons
token_missing
token_malformed
session_missing
session_malformed
jws_base64
signature
token_renewable
session_ended
identity_mismatch
--- no_error_log
[error]
[warn]



=== TEST 18: Para down: 503, and nothing that could be taken for a challenge
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- fault
/sessions/verify 500 times=1
/sessions/verify 401 times=1
/sessions/verify html times=1
/sessions/verify 429 times=1 retry_after=7
--- login: alice
--- request eval
[('GET /') x 5]
--- error_code eval
[(503) x 5]
--- response_headers eval
[(map {"X-Status: para_unavailable
Retry-After: $_
!WWW-Authenticate
!X-User"} 5, 5, 5, 7, 7)]
--- para_calls eval
[1, 2, 3, 4, 4]
--- app_requests eval
[(0) x 5]
--- reasons
unavailable
key_refused
answer_json
unavailable
unavailable
-
-



=== TEST 19: matching, strict
--- provider eval: own_issuer()
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[
own_and($::alice),
own_and($::alice, auth_identifier => 'ALICE@Example.COM'),
own_and($::alice, auth_method => 'EMAIL'),
own_and($::bob, auth_method => 'google'),
own_and($::bob, auth_method => 'GOOGLE'),
own_and($::dave, auth_identifier => lc $::dave->{user}{identifier}),
own_and($::dave,
    auth_identifier => $::dave->{user}{identifier} =~ s/0x(.*)/0x\U$1/r),
own_and($::dave, auth_method => 'externalwallet'),
own_and($::carol, para_user_id => undef),
own_and($::alice, auth_identifier => 'mallory@example.com'),
own_and($::alice, auth_identifier => 'alice@example.com '),
own_and($::alice, auth_method => 'phone'),
own_and($::alice, auth_method => 'google'),
own_and($::bob, auth_method => 'facebook'),
own_and($::dave,
    auth_identifier => $::dave->{user}{identifier} =~ s/7\z/8/r),
own_and($::frank, auth_identifier => '0728391054'),
own_and($::alice, auth_identifier => undef, auth_method => 'phone'),
own_and($::alice, auth_method => undef),
own_and($::alice, auth_identifier => undef),
own_and($::alice, auth_identifier => undef, auth_method => undef),
own_and($::alice, auth_identifier => '', auth_method => ''),
]
--- request eval
[('GET /') x 21]
--- error_code eval
[(200) x 9, (401) x 12]
--- response_headers eval
[('X-Status: ok
!WWW-Authenticate') x 9,
('X-Status: identity_mismatch
!X-User
!X-Identifier
WWW-Authenticate: Bearer realm="para", error="invalid_token"') x 12]
--- app_requests eval
[1 .. 9, (9) x 12]
--- reasons
-
-
-
-
-
-
-
-
-
identity_mismatch
identity_mismatch
identity_mismatch
identity_mismatch
identity_mismatch
identity_mismatch
identity_mismatch
identity_mismatch
identity_incomparable
identity_incomparable
identity_incomparable
identity_incomparable



=== TEST 20: identifiers that are neither mail nor EVM have a case
--- provider eval: own_issuer()
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
my $erin = login('erin');
[own_and($erin), own_and($erin, auth_identifier => 'Erin.eth')]
--- request eval
[('GET /') x 2]
--- error_code eval
[200, 401]
--- response_headers eval
['X-Status: ok', 'X-Status: identity_mismatch']



=== TEST 21: matching what both have
--- provider eval: own_issuer()
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
para_auth_match present;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
[
own_and($::alice),
own_and($::alice, auth_method => undef),
own_and($::alice, auth_identifier => undef),
own_and($::alice, auth_identifier => undef, auth_method => undef),
own_and($::alice, auth_identifier => 'mallory@example.com',
    auth_method => undef),
own_and($::alice, auth_identifier => undef, auth_method => 'phone'),
]
--- request eval
[('GET /') x 6]
--- error_code eval
[(200) x 4, (401) x 2]
--- response_headers eval
[('X-Status: ok') x 4, ('X-Status: identity_mismatch') x 2]



=== TEST 22: matching off, in one location: not cached for the other
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
location /off {
    para_auth_match off;
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
}
location /jwt {
    para_auth app jwt;
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
}
--- more_headers eval
[(fields(credentials($::alice, 'jwt'), credentials($::bob, 'session'))) x 5]
--- request eval
['GET /off', 'GET /', 'GET /off', 'GET /jwt', 'GET /']
--- error_code eval
[200, 401, 200, 200, 401]
--- response_headers eval
["X-User: $::alice->{userId}
X-Identifier: alice\@example.com", "X-Status: identity_mismatch",
"X-User: $::alice->{userId}
X-Cache: HIT", 'X-Cache: MISS', 'X-Status: identity_mismatch']
--- para_calls eval
[(1) x 5]



=== TEST 23: the same token under another provider is another matter
--- http_config
para_auth_provider other {
    api http://127.0.0.1:$TEST_NGINX_PARA_PORT;
    audience other;
    key_file $TEST_NGINX_PARA_DIR/jwks.json;
}
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app jwt;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
location /other {
    para_auth other jwt;
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
}
--- login: alice jwt
--- request eval
['GET /', 'GET /other', 'GET /', 'GET /other']
--- error_code eval
[200, 401, 200, 401]
--- response_headers eval
['X-Cache: MISS', 'X-Status: token_invalid', 'X-Cache: HIT',
 'X-Status: token_invalid']
--- reasons
-
aud_mismatch
-
aud_mismatch



=== TEST 24: a session that has ended: the refusal is cached
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- more_headers eval
my $login = login('alice');
end_session($login);
[(fields(credentials($login))) x 3, fields(bearer($login->{jwt}),
    credentials($::alice, 'session'))]
--- request eval
[('GET /') x 4]
--- error_code eval
[(401) x 3, 200]
--- response_headers eval
[map {"X-Status: $_"} ('session_expired') x 3, 'ok']
--- para_calls eval
[1, 1, 1, 2]
--- app_requests eval
[0, 0, 0, 1]



=== TEST 25: nothing cached that is valid for no time
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth_session_cache valid=0 negative=0;
para_auth app;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
location /cached {
    para_auth_session_cache negative=1m;
    proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT;
}
--- more_headers eval
my $login = login('alice');
end_session($login);
[(fields(credentials($::alice))) x 2, (fields(credentials($login))) x 4]
--- request eval
[('GET /') x 4, ('GET /cached') x 2]
--- error_code eval
[200, 200, (401) x 4]
--- response_headers eval
['X-Cache: MISS', 'X-Cache: MISS', ("X-Status: session_expired
!X-Cache") x 4]
--- para_calls eval
[1, 2, 3, 4, 4, 4]



=== TEST 26: a failure of Para's is not cached, and costs no session
--- config
include $TEST_NGINX_PARA_DIR/show.conf;
para_auth app session;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
--- fault
/sessions/verify 503 times=2
--- login: alice session
--- request eval
[('GET /') x 4]
--- error_code eval
[503, 503, 200, 200]
--- response_headers eval
[('X-Status: para_unavailable') x 2, 'X-Cache: MISS', 'X-Cache: HIT']
--- para_calls eval
[1, 2, 3, 3]
