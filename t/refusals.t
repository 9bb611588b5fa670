#!/usr/bin/perl

# What a refusal looks like: realm, JSON body, Cache-Control; and whose pages
# are left as they are.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP               ();
use MIME::Base64           qw(decode_base64 encode_base64);

use constant {
    VERIFY  => '/sessions/verify',
    PROBLEM => 'application/problem+json',
};

mkdir "$PARA_DIR/www";
put_file('www/page.html', "the operator's page\n");
put_file('www/ssi.html', 'in: <!--#include virtual="/app/ssi" -->');
put_file('htpasswd', "op:{PLAIN}open sesame\n");

my $BASIC  = 'Authorization: Basic ' . encode_base64('op:open sesame', '');
my $CHROME = 'User-Agent: Mozilla/5.0 Chrome/100';
my $HOLE   = black_hole_port();

# The way to Para of a second provider.
my $OWN = verify_location() =~ s/_para_auth\/verify/_para_auth\/own/r
    =~ s/para_auth_upstream  app/para_auth_upstream  own/r;

my $ports = free_ports();
my ($h2, $plain) = ($ports + 5, $ports + 6);

my $nginx = start_nginx(
    http => http_config(
        provider => "        public_key $PARA_PUBLIC_KEY;",
        http     => <<"CONF" . para_provider(
    # what answers by itself, with the statuses of refusals
    server {
        listen 127.0.0.1:$plain;
        location /401 { return 401 "own 401\\n"; }
        location /403 { return 403 "own 403\\n"; }
        location /503 { return 503 "own 503\\n"; }
    }
CONF
            name  => 'own',
            lines => own_issuer(),
        ) . para_provider(
            name       => 'keyless',
            api        => "http://127.0.0.1:$HOLE",
            key_source => 'url',
        ),
    ),
    server => <<"CONF" . verify_location() . touch_location() . $OWN);
        listen 127.0.0.1:$h2 http2;
        para_auth app;
        para_auth_error_format json;
        root $PARA_DIR/www;
        add_header X-Status \$para_auth_status always;

        location /app { proxy_pass $APP_URL; }
        location /text { para_auth_error_format text; proxy_pass $APP_URL; }
        location /open { para_auth off; proxy_pass $APP_URL; }
        location /keyless { para_auth keyless jwt; proxy_pass $APP_URL; }
        location /session { para_auth app session; proxy_pass $APP_URL; }
        location /own-jwt { para_auth own; proxy_pass $APP_URL; }
        location /wallet {
            para_auth_require_wallet type=STELLAR; proxy_pass $APP_URL;
        }
        location /two {
            para_auth_token bearer \$http_x_token; proxy_pass $APP_URL;
        }
        location /limit {
            para_auth off;
            limit_except GET { para_auth app; }
            proxy_pass $APP_URL;
        }
        location /realm {
            para_auth_realm "Kunden der Bank: 'privat'";
            location /realm/inner { proxy_pass $APP_URL; }
            proxy_pass $APP_URL;
        }

        # error pages
        location = /page.html { para_auth off; expires 1h; }
        location /page-uri { error_page 401 /page.html; proxy_pass $APP_URL; }
        location /page-200 {
            error_page 401 503 =200 /page.html; proxy_pass $APP_URL;
        }
        location /page-403 {
            error_page 401 =403 /page.html; proxy_pass $APP_URL;
        }
        location /page-named { error_page 401 \@page; proxy_pass $APP_URL; }
        location \@page { para_auth off; try_files /page.html =404; }
        location /page-proxied { error_page 401 \@own; proxy_pass $APP_URL; }
        location \@own {
            para_auth off; rewrite ^ /401 break;
            proxy_pass http://127.0.0.1:$plain;
        }
        location /page-return { error_page 401 \@say; proxy_pass $APP_URL; }
        location \@say { return 401 "said\\n"; }
        location /page-elsewhere {
            error_page 401 https://login.example/; proxy_pass $APP_URL;
        }
        location /page-missing {
            error_page 401 /nowhere; proxy_pass $APP_URL;
        }
        location = /nowhere { para_auth off; }
        location /page-recursive {
            recursive_error_pages on;
            error_page 401 /again; proxy_pass $APP_URL;
        }
        location = /again {
            recursive_error_pages on;
            error_page 401 /page.html; proxy_pass $APP_URL;
        }
        location /page-protected { error_page 401 /app/x; proxy_pass $APP_URL; }
        location /page-as-text { error_page 401 /text/x; proxy_pass $APP_URL; }
        location /page-other { error_page 403 /page.html; proxy_pass $APP_URL; }

        # others' statuses
        location /own/ { proxy_pass http://127.0.0.1:$plain/; }
        location /intercept/ {
            proxy_intercept_errors on; error_page 401 403 503 \@nobody;
            proxy_pass http://127.0.0.1:$plain/;
        }
        location \@nobody { return 404; }
        location /none { try_files /nothing =404; }
        location /deny { deny all; proxy_pass $APP_URL; }

        # satisfy
        location /any-deny { satisfy any; deny all; proxy_pass $APP_URL; }
        location /any-allow { satisfy any; allow all; proxy_pass $APP_URL; }
        location /any-basic {
            satisfy any;
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            location /any-basic/wallet {
                para_auth_require_wallet type=STELLAR;
                para_auth_token \$http_x_token; proxy_pass $APP_URL;
            }
            proxy_pass $APP_URL;
        }

        # what else has a hand in responses
        location /gzip {
            gzip on; gzip_min_length 1; gzip_types @{[PROBLEM]};
            para_auth_require_wallet type=STELLAR; proxy_pass $APP_URL;
        }
        location /dress {
            default_type image/png; charset utf-8; server_tokens off;
            msie_padding on; ssi on; sub_filter type kind;
            gzip on; auth_delay 1ms; expires 1h;
            add_before_body /open/before; addition_types *;
            add_header X-More yes always;
            add_header X-Status \$para_auth_status always;
            proxy_pass $APP_URL;
        }
        location = /ssi.html { para_auth off; ssi on; }
CONF

my $login = login('alice');

sub ask {
    my ($path, $headers, %options) = @_;

    reset_app();
    return get($nginx->{port}, $path, $headers // '', %options);
}

sub headers_of {
    my ($answer, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{$answer->{headers}};
}

my %TITLE = (
    400 => 'Bad Request',
    401 => 'Unauthorized',
    403 => 'Forbidden',
    503 => 'Service Unavailable',
);

# A refusal whose body is JSON, and this to the byte.
sub problem {
    my ($answer, $status, $code, $name, $renew) = @_;

    my $tail = defined $renew ? qq(,"renew":"$renew") : '';

    is($answer->{status}, $status, "$name: $status");
    is($answer->{body},
        qq({"type":"about:blank","title":"$TITLE{$status}",)
            . qq("status":$status,"code":"$code"$tail}\n), "$name: the body");
    is($answer->{header}{'x-status'}, $code, "$name: the variable");
    is_deeply([headers_of($answer, 'Content-Type')], [PROBLEM],
        "$name: its type");
    is_deeply([headers_of($answer, 'Content-Length')],
        [length $answer->{body}], "$name: its length");
    is_deeply([headers_of($answer, 'Cache-Control')], ['no-store'],
        "$name: not to be kept");
    is(app_count(), 0, "$name: nothing at the app");
    return;
}

# Anything else: no word of JSON.
sub other {
    my ($answer, $status, $body, $name) = @_;

    is($answer->{status}, $status, "$name: $status");
    like($answer->{body}, $body, "$name: the body");
    unlike($answer->{body}, qr/about:blank/, "$name: no JSON");
    isnt($answer->{header}{'content-type'} // '', PROBLEM, "$name: its type");
    return;
}


# ---- Each code --------------------------------------------------------------

sub forge_cookieless {
    my $blob = JSON::PP::decode_json(decode_base64($login->{exportedSession}));
    delete $blob->{sessionCookie};
    return encode_base64(JSON::PP::encode_json($blob), '');
}

my $jwt     = bearer($login->{jwt});
my $session = "X-Para-Session: $login->{verificationToken}";
my $good    = "$jwt\n$session";

my $ended = login('bob');
end_session($ended);
my $bob = login('bob');

for my $row (
    [401, 'token_missing',     '',             qr/\ABearer realm="para"\z/],
    [401, 'session_missing',   $jwt,           qr/\ABearer realm="para"\z/],
    [400, 'token_ambiguous',   "$jwt\nX-Token: $bob->{jwt}\n$session",
        qr/"para", error="invalid_request"\z/, undef, '/two'],
    [400, 'token_malformed',   "Authorization: Bearer a b\n$session",
        qr/"para", error="invalid_request"\z/],
    [400, 'session_malformed', "$jwt\n$session\n$session",
        qr/"para", error="invalid_request"\z/],
    [400, 'session_malformed', "$jwt\nX-Para-Session: " . forge_cookieless(),
        qr/"para", error="invalid_request"\z/],
    [400, 'session_has_signer',
        "$jwt\nX-Para-Session: $login->{exportedSessionWithSigner}",
        qr/"para", error="invalid_request", error_description="the session h/],
    [401, 'token_invalid', bearer(tamper($login->{jwt})) . "\n$session",
        qr/"para", error="invalid_token"\z/],
    [401, 'token_expired',
        bearer(para_jwt($login, exp => time - 200_000)) . "\n$session",
        qr/"para", error="invalid_token", error_description="token expired"\z/
    ],
    [401, 'session_expired', credentials($ended),
        qr/"para", error="invalid_token", error_description="session e/,
        'login'],
    [401, 'identity_mismatch',
        "$jwt\nX-Para-Session: $bob->{verificationToken}",
        qr/"para", error="invalid_token"\z/],
    [403, 'wallet_missing', $good, qr/"para", error="insufficient_scope"\z/,
        undef, '/wallet'],
    [503, 'keys_unavailable', $jwt, undef, undef, '/keyless'],
    )
{
    my ($status, $code, $headers, $challenge, $renew, $path) = @$row;

    my $answer = ask($path // '/app', $headers);
    problem($answer, $status, $code, $code, $renew);

    my @challenges = headers_of($answer, 'WWW-Authenticate');
    is(scalar @challenges, defined $challenge ? 1 : 0, "$code: challenges");
    like($challenges[0], $challenge, "$code: the challenge") if @challenges;

    next if $path;

    my $text = ask('/text', $headers);
    other($text, $status, qr/<center><h1>$status /, "$code, text");
    is_deeply([headers_of($text, 'WWW-Authenticate')], \@challenges,
        "$code, text: challenge");
    is_deeply([headers_of($text, 'Cache-Control')], ['no-store'],
        "$code, text: not to be kept");
}

{
    my $new = login('carol');
    fault(VERIFY, '500');
    my $answer = ask('/app', credentials($new));
    problem($answer, 503, 'para_unavailable', 'para_unavailable');
    like($answer->{header}{'retry-after'}, qr/\A\d+\z/, 'when to try again');
    ok(!headers_of($answer, 'WWW-Authenticate'), 'no challenge');
    reset_para();

    problem(ask('/session', credentials($ended, 'session')),
        401, 'session_expired', 'session alone', 'login');
    problem(ask('/app', '', method => 'DELETE'), 401, 'token_missing',
        'DELETE');
    problem(ask('/limit', '', method => 'POST', body => 'x'), 401,
        'token_missing', 'limit_except');
    is(ask('/limit', '')->{status}, 200, 'limit_except: GET');
}

# The log says by which claims the layers are not one user's, and no value.
for my $row (
    [{}, 'identity_mismatch, differs "identifier"'],
    [{auth_method => undef, auth_identifier => undef, para_user_id => undef},
        'identity_incomparable, missing "identifier, type"'],
    )
{
    my ($claims, $reason) = @$row;
    my $answer = ask('/own-jwt', bearer(own_jwt(claims => $claims))
            . "\nX-Para-Session: $bob->{verificationToken}");
    my ($line) = reverse grep {/para_auth: refused/} split /\n/,
        $nginx->error_log;
    problem($answer, 401, 'identity_mismatch', $reason);
    like($line, qr/, reason \Q$reason\E, issuer "backend",/,
        "$reason: the log");
    unlike($line, qr/example\.com/, "$reason: no value");
}

# Who is let in sees nothing of all this.
{
    my $answer = ask('/app', $good);
    is($answer->{status}, 200, 'let in');
    is(app_count(), 1, 'let in: at the app');
    ok(!headers_of($answer, 'Cache-Control'), 'let in: no Cache-Control');
}

# Whatever the client would rather have.
problem(ask('/app', 'Accept: text/html'), 401, 'token_missing',
    'Accept: text/html');
other(ask('/text', 'Accept: application/json'), 401, qr/<html>/,
    'Accept: application/json');


# ---- The realm --------------------------------------------------------------

is_deeply(
    [headers_of(ask($_), 'WWW-Authenticate')],
    [q(Bearer realm="Kunden der Bank: 'privat'")],
    "realm in $_"
) for qw(/realm /realm/inner);

is((headers_of(ask('/realm', credentials($ended)), 'WWW-Authenticate'))[0],
    q(Bearer realm="Kunden der Bank: 'privat'", error="invalid_token", )
        . 'error_description="session expired"', 'realm with more');


# ---- Error pages ------------------------------------------------------------

my $PAGE = qr/\Athe operator's page\n\z/;

{
    my $answer = ask('/page-uri');
    other($answer, 401, $PAGE, 'URI');
    is(scalar headers_of($answer, 'WWW-Authenticate'), 1, 'URI: challenge');
    is_deeply([headers_of($answer, 'Cache-Control')], ['no-store'],
        'URI: not to be kept');

    $answer = ask('/page-200');
    other($answer, 200, $PAGE, '=200');
    ok(!headers_of($answer, 'WWW-Authenticate'), '=200: no challenge');
    is_deeply([headers_of($answer, 'Cache-Control')], ['max-age=3600'],
        '=200: kept as the page says');

    other(ask('/page-403'),   403, $PAGE,                'another status');
    other(ask('/page-named'), 401, $PAGE,                'named');
    other(ask('/page-proxied'), 401, qr/\Aown 401\n\z/,  'proxied');
    other(ask('/page-return'),  401, qr/\Asaid\n\z/,     'return');
    other(ask('/page-elsewhere'), 302, qr/302 Found/,    'elsewhere');
    other(ask('/page-missing'), 404, qr/404 Not Found/,  'missing');
    other(ask('/page-recursive'), 401, $PAGE,            'recursive');
    other(ask('/page-as-text'), 401, qr/<h1>401 /,       'refused as text');

    problem(ask('/page-protected'), 401, 'token_missing', 'refused again');
    problem(ask('/page-other'), 401, 'token_missing', 'page of another');

    my $new = login('carol');
    fault(VERIFY, '500');
    $answer = ask('/page-200', credentials($new));
    other($answer, 200, $PAGE, '503 =200');
    ok(!headers_of($answer, 'Retry-After'), '503 =200: no Retry-After');
    reset_para();
}


# ---- Others' statuses -------------------------------------------------------

other(ask("/own/$_", $good), $_, qr/\Aown $_\n\z/, "the app's $_")
    for qw(401 403 503);
other(ask("/intercept/$_", $good), 404, qr/<h1>404 /, "the app's $_, caught")
    for qw(401 503);
other(ask('/none', $good), 404, qr/<h1>404 /, 'no such file');
other(ask('/deny', ''),    403, qr/<h1>403 /, 'deny');
other(ask('/app', $_), 400, qr/<h1>400 /, 'no good request')
    for 'Content-Length: x';

{
    my $answer = ask('/ssi.html');
    other($answer, 200, qr/\Ain: /, 'subrequest');
    is(app_count(), 0, 'subrequest: nothing at the app');
}


# ---- satisfy ----------------------------------------------------------------

{
    problem(ask('/any-deny'), 401, 'token_missing', 'satisfy any, deny');
    is(ask('/any-deny', $good)->{status}, 200, 'satisfy any, good');

    my $answer = ask('/any-allow', credentials($ended));
    is($answer->{status}, 200, 'satisfy any, allow');
    ok(!headers_of($answer, 'Cache-Control'), 'satisfy any, allow: no more');

    $answer = ask('/any-basic');
    is($answer->{header}{'content-type'}, PROBLEM, 'satisfy any, both: JSON');
    cmp_ok(scalar headers_of($answer, 'WWW-Authenticate'), '>=', 1,
        'satisfy any, both: challenged');

    is(ask('/any-basic', $BASIC)->{status}, 200, 'satisfy any, basic');
    is(ask('/any-basic', $good)->{status},  200, 'satisfy any, ours');

    other(ask('/any-basic/wallet', "X-Token: $login->{jwt}\n$session"),
        401, qr/<h1>401 /, 'satisfy any, the 401 is not ours');
}


# ---- The ways to send it ----------------------------------------------------

{
    my $answer = ask('/app', '', method => 'HEAD');
    is($answer->{status}, 401, 'HEAD');
    is($answer->{body}, '', 'HEAD: no body');
    is($answer->{header}{'content-length'},
        length ask('/app')->{body}, 'HEAD: the length that it would have');
    is($answer->{header}{'content-type'}, PROBLEM, 'HEAD: its type');

    problem(ask('/app', '', version => '1.0'), 401, 'token_missing',
        'HTTP/1.0');

    # One connection: refused, let in, refused, with bodies that nobody reads.
    my $socket = connect_to($nginx->{port});
    my $body   = "5\r\nhello\r\n0\r\n\r\n";

    for my $round (1 .. 3) {
        reset_app();
        problem(exchange($socket, request_text('/app', method => 'POST',
            headers => 'Transfer-Encoding: chunked', body => $body)),
            401, 'token_missing', "keep-alive $round");
        problem(exchange($socket, request_text('/app', method => 'POST',
            body => 'x' x 5000)), 401, 'token_missing',
            "keep-alive $round, longer");
        is(exchange($socket, request_text('/app', method => 'HEAD'),
            method => 'HEAD')->{status}, 401, "keep-alive $round, HEAD");
        is(exchange($socket, request_text('/app', headers => $good))
                ->{status}, 200, "keep-alive $round: let in");
    }

    my $said = `curl -s --http2-prior-knowledge --max-time 20 -i \\
        http://127.0.0.1:$h2/app`;
    like($said, qr{\AHTTP/2 401 }, 'HTTP/2');
    like($said, qr/^content-type: \Q@{[PROBLEM]}\E\r$/m, 'HTTP/2: its type');
    like($said, qr/\r\n\r\n\{"type":"about:blank".*"token_missing"\}\n\z/,
        'HTTP/2: the body');

    # curl 7.88 takes the end of a stream with an unread body for an error.
    my $file = put_file('upload', 'x' x 100_000);
    $said = `nghttp -v -t 20 -d $file http://127.0.0.1:$h2/app`;
    like($said, qr/:status: 401$/m, 'HTTP/2, an unread body');
    like($said, qr/^\{"type":"about:blank".*"token_missing"\}$/m,
        'HTTP/2, an unread body: the body');

    # A body in the clear, and the same compressed.
    $answer = ask('/gzip', "$good\nAccept-Encoding: gzip");
    is($answer->{header}{'content-encoding'}, 'gzip', 'gzip');
    gunzip(\$answer->{body} => \my $unzipped);
    is($unzipped, ask('/gzip', $good)->{body}, 'gzip: the same');
    like($unzipped, qr/"code":"wallet_missing"/, 'gzip: the body');

    problem(ask('/dress', $_), 401, 'token_missing', "dressed up: $_")
        for $CHROME, 'User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)',
        'Accept-Encoding: gzip';
    is(ask('/dress')->{header}{'x-more'}, 'yes', 'add_header always');
    is(ask('/dress')->{header}{server}, 'nginx', 'server_tokens');
}

is_healthy($nginx, 'all of this');
$nginx->stop;


# ---- nginx -t ---------------------------------------------------------------

for my $row (
    ['para_auth_realm ""',          qr/takes a text that is not empty/],
    [q(para_auth_realm 'a"b'),      qr/without quotes, backslashes/],
    [q(para_auth_realm 'a\\\\b'),   qr/without quotes, backslashes/],
    ["para_auth_realm 'a\tb'",      qr/without quotes, backslashes/],
    ["para_auth_realm 'a\x7fb'",    qr/without quotes, backslashes/],
    ['para_auth_realm $host',       qr/and variables, as "para_auth_realm/],
    ['para_auth_realm a; para_auth_realm b', qr/"para_auth_realm" .*duplicate/],
    ['para_auth_realm a b',         qr/invalid number of arguments/],
    ['para_auth_error_format xml',  qr/invalid value "xml"/],
    )
{
    my ($line, $message) = @$row;
    my ($ok, $said) = check_nginx(server => "para_auth app; $line;\n"
            . verify_location());
    ok(!$ok, "refused: $line");
    like($said, $message, "refused: $line: the message");
    like($said, qr/nginx\.conf:\d+/, "refused: $line: the place");
}

for my $context ('http', 'server', 'location', 'limit_except') {
    my $lines = 'para_auth_realm "a b"; para_auth_error_format json;';
    my %at    = map { $_ => $_ eq $context ? $lines : '' }
        qw(http server location limit_except);
    my ($ok, $said) = check_nginx(
        http   => http_config(http => $at{http}),
        server => "para_auth app; $at{server}
            location /x {
                $at{location} limit_except GET { $at{limit_except} }
                proxy_pass $APP_URL;
            }\n" . verify_location()
    );
    ok($ok, "taken in $context") or diag($said);
}

done_testing();
