#!/usr/bin/perl

# nginx's other ways into and out of a protected location: redirects, error
# pages, named locations, subrequests, "satisfy".  None of them lets in who
# should not be, nor carries an identity to where it was not granted.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use MIME::Base64 qw(encode_base64);
use Time::HiRes  qw(sleep);

use constant VERIFY => '/sessions/verify';

mkdir "$PARA_DIR/www";
put_file('www/401.html',  "static refusal\n");
put_file('www/open.html', "<!--#include virtual=\"/app/ssi\" -->");
put_file('www/two.html',
    "<!--#include virtual=\"/app/one\" -->|<!--#include virtual=\"/app/two\" -->"
    . "|<!--#include virtual=\"/other/three\" -->"
    . "|<!--#include virtual=\"/public/four\" -->");
put_file('www/told.html',
    "<!--#include virtual=\"/tell/same\" -->"
    . "<!--#include virtual=\"/tell/open\" -->");
put_file('www/file.txt', "a file\n");

# "open sesame" for user "op".
put_file('htpasswd', "op:{PLAIN}open sesame\n");
my $BASIC = 'Authorization: Basic ' . encode_base64('op:open sesame', '');
my $BASIC_WRONG = 'Authorization: Basic ' . encode_base64('op:guess', '');

my $LINKED = nginx_version() >= 1.023;

sub nginx_version {
    my $said = `$ENV{TEST_NGINX_BINARY} -v 2>&1`;
    $said =~ m{nginx/(\d+)\.(\d+)} or die "what nginx is this: $said";
    return $1 + $2 / 1000;
}

# The app says what it saw; these look at that.
sub seen {
    my ($answer) = @_;
    return $answer->{json} // {para => {}, headers => []};
}

sub saw_header {
    my ($answer, $name) = @_;
    return
        scalar grep { lc $_->[0] eq lc $name } @{seen($answer)->{headers}};
}

sub user_at_app { return seen($_[0])->{para}{'X-Para-User-Id'} }

sub challenges {
    my ($answer) = @_;
    return map { $_->[1] }
        grep { lc $_->[0] eq 'www-authenticate' } @{$answer->{headers}};
}

sub let_in_as {
    my ($answer, $login, $name) = @_;

    is($answer->{status}, 200, "$name: let in");
    is(user_at_app($answer), $login->{userId}, "$name: as who it is");
    is(saw_header($answer, 'X-Para-User-Id'), 1, "$name: told once");
    ok(!saw_header($answer, 'X-Para-Session'), "$name: no session at the app");
    ok(!saw_header($answer, 'Authorization'),  "$name: no token at the app");
    ok(!challenges($answer), "$name: no challenge");
    return;
}

# Reached the app as a request that nobody vouches for.
sub anonymous {
    my ($answer, $name) = @_;

    ok(defined $answer->{json}, "$name: answered by the app");
    is_deeply(
        [grep { !/session/i } keys %{seen($answer)->{para}}],
        [], "$name: no identity at the app"
    );
    return;
}

sub refused {
    my ($answer, $status, $name) = @_;

    is($answer->{status}, $status, "$name: $status");
    is(app_count(), 0, "$name: nothing at the app");
    return;
}

my $FORGED = "X-Para-User-Id: mallory\nX_Para_User_Id: mallory\n"
    . 'x-para-roles: admin';

my $nginx;

sub ask {
    my ($path, $headers, %options) = @_;

    reset_app();
    return get($nginx->{port}, $path,
        join("\n", grep {length} $headers // '', $FORGED), %options);
}

$nginx = start_nginx(
    http => http_config(http => <<"CONF"),
    proxy_set_header Connection "";
    underscores_in_headers on;
    log_format phases '\$uri \$para_auth_status \$para_auth_user_id';
CONF
    server => <<"CONF" . verify_location());
        para_auth app;
        root $PARA_DIR/www;

        location /app { proxy_pass $APP_URL; }
        location /public { para_auth off; proxy_pass $APP_URL; }
        # the arguments stay, and with them what the app would say again
        location \@app {
            proxy_ignore_headers X-Accel-Redirect; proxy_pass $APP_URL;
        }
        location \@public {
            para_auth off;
            proxy_ignore_headers X-Accel-Redirect; proxy_pass $APP_URL;
        }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /other {
            para_auth_match off; proxy_pass $APP_URL;
        }

        # error pages
        location /page-static {
            error_page 401 /401.html; proxy_pass $APP_URL;
        }
        location = /401.html { para_auth off; }
        location /page-proxied {
            error_page 401 403 /public/page; proxy_pass $APP_URL;
        }
        location /page-named {
            error_page 401 = \@public; proxy_pass $APP_URL;
        }
        location /page-named-protected {
            error_page 401 = \@app; proxy_pass $APP_URL;
        }
        location /page-protected {
            error_page 401 /app/page; proxy_pass $APP_URL;
        }
        location /page-success {
            error_page 401 =200 /401.html; proxy_pass $APP_URL;
        }
        location /page-success-503 {
            error_page 503 =200 /401.html; proxy_pass $APP_URL;
        }
        location /page-redirect {
            error_page 401 =302 https://login.example/; proxy_pass $APP_URL;
        }
        location /page-return {
            error_page 401 = /login-json; proxy_pass $APP_URL;
        }
        location = /login-json { para_auth off; return 200 "log in\\n"; }

        # the app's own errors
        location /app-error {
            proxy_intercept_errors on;
            error_page 404 /public/after;
            error_page 500 = \@public;
            error_page 502 /app/after;
            error_page 503 = \@app;
            proxy_pass $APP_URL;
        }

        # try_files
        location /try-protected { try_files /nothing /app/try; }
        location /try-public { try_files /nothing /public/try; }
        location /try-named { try_files /nothing \@public; }
        location /try-named-protected { try_files /nothing \@app; }
        location /try-file { try_files /file.txt =404; }
        location /open-try {
            para_auth off; try_files /nothing /app/try;
        }
        location /open-try-named {
            para_auth off; try_files /nothing \@app;
        }
        location /try-twice { try_files /nothing /try-public/again; }
        location /try-jwt { try_files /nothing /jwt/try; }

        # rewrites
        location /rewrite-in { para_auth off; rewrite ^ /app/in last; }
        location /rewrite-out { rewrite ^ /public/out last; }
        location /if {
            if (\$arg_x) { proxy_pass $APP_URL; }
            proxy_pass $APP_URL;
        }
        location /if-off {
            if (\$arg_off) { set \$x 1; }
            proxy_pass $APP_URL;
        }
        location /return { return 200 "user=\$para_auth_user_id\\n"; }
        location /open-user {
            para_auth off; return 200 "user=\$para_auth_user_id\\n";
        }
        location /internal { internal; proxy_pass $APP_URL; }

        # what the log sees
        location /logged {
            access_log $PARA_DIR/phases.log phases; proxy_pass $APP_URL;
        }

        # satisfy
        location /any-deny {
            satisfy any; deny all; proxy_pass $APP_URL;
        }
        location /any-allow {
            satisfy any; allow 127.0.0.1; deny all; proxy_pass $APP_URL;
        }
        location /any-basic {
            satisfy any;
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            proxy_pass $APP_URL;
        }
        location /any-all {
            satisfy any; deny all;
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            proxy_pass $APP_URL;
        }
        location /all-basic {
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            para_auth_token \$http_x_token;
            proxy_pass $APP_URL;
        }
        location /all-deny { deny all; proxy_pass $APP_URL; }

        # limit_except
        location /limit {
            para_auth off;
            limit_except GET { para_auth app; }
            proxy_pass $APP_URL;
        }
        location /limit-off {
            limit_except POST { para_auth off; }
            proxy_pass $APP_URL;
        }

        # auth_request
        location /auth-request {
            para_auth off; auth_request /app/auth; proxy_pass $APP_URL;
        }
        location /auth-request-too {
            auth_request /public/auth; proxy_pass $APP_URL;
        }
        location /auth-request-same {
            auth_request /app/auth; proxy_pass $APP_URL;
        }

        # subrequests
        location = /open.html { para_auth off; ssi on; ssi_types *; }
        location = /two.html { ssi on; }
        location = /told.html { ssi on; }
        location /tell/same { return 200 "<\$para_auth_user_id>"; }
        location /tell/open {
            para_auth off; return 200 "<\$para_auth_user_id\$para_auth_cache>";
        }
        location /granted {
            try_files /nothing /tell/status;
        }
        location /tell/status {
            para_auth off; return 200 "<\$para_auth_status>";
        }
        location /add-open {
            para_auth off; add_after_body /app/added; addition_types *;
            proxy_pass $APP_URL;
        }
        location /add-in {
            add_after_body /app/added; addition_types *;
            proxy_pass $APP_URL;
        }
        location /mirror {
            mirror /public/mirrored; proxy_pass $APP_URL;
        }
        location /mirror-open {
            para_auth off; mirror /app/mirrored; proxy_pass $APP_URL;
        }
        location /mirror-same {
            mirror /app/mirrored; proxy_pass $APP_URL;
        }
CONF

my $login = login('alice');
my $good  = credentials($login);
my $accel = '_header=X-Accel-Redirect:';


# ---- Error pages -----------------------------------------------------------

{
    my $answer = ask('/page-static');
    refused($answer, 401, 'static page');
    is($answer->{body}, "static refusal\n", 'static page: shown');
    is(scalar challenges($answer), 1, 'static page: challenge');

    $answer = ask('/page-proxied', bearer($login->{jwt}));
    is($answer->{status}, 401, 'proxied page: 401 stays');
    anonymous($answer, 'proxied page');
    is(scalar challenges($answer), 1, 'proxied page: challenge');
    is(seen($answer)->{path}, '/public/page', 'proxied page: which');

    $answer = ask('/page-named');
    is($answer->{status}, 200, 'named page: the app decides');
    anonymous($answer, 'named page');
    ok(!challenges($answer), 'named page: no challenge on success');

    refused(ask('/page-named-protected'), 401, 'protected named page');
    refused(ask('/page-protected'),       401, 'protected page');

    $answer = ask('/page-success');
    refused($answer, 200, '=200');
    is($answer->{body}, "static refusal\n", '=200: the page');
    ok(!challenges($answer), '=200: no challenge');

    $answer = ask('/page-return');
    refused($answer, 200, 'page that returns');
    is($answer->{body}, "log in\n", 'page that returns: shown');
    ok(!challenges($answer), 'page that returns: no challenge');

    $answer = ask('/page-redirect');
    refused($answer, 302, '=302');
    ok(!challenges($answer), '=302: no challenge');

    fault(VERIFY, '500', times => 1);
    $answer = ask('/page-success-503', credentials(login('alice')));
    refused($answer, 200, '503 as =200');
    ok(!$answer->{header}{'retry-after'}, '503 as =200: no Retry-After');

    let_in_as(ask("/page-$_", $good), $login, "page-$_: let in")
        for qw(static proxied named protected success);
}

# An error of the app leads elsewhere: who it was stays behind.
{
    my $answer = ask('/app-error?_status=404', $good);
    is($answer->{status}, 404, 'app\'s 404: stays');
    anonymous($answer, 'app\'s 404 to an open page');

    $answer = ask('/app-error?_status=500', $good);
    anonymous($answer, 'app\'s 500 to an open named location');

    # Who is let in is let in again: credentials are found a second time.
    $answer = ask('/app-error?_status=502', $good);
    is(seen($answer)->{path}, '/app/after', 'app\'s 502: leads elsewhere');
    is(user_at_app($answer), $login->{userId},
        'app\'s 502 to a protected page: as who it is');
    ok(!saw_header($answer, 'X-Para-Session'), 'app\'s 502: no session');

    $answer = ask('/app-error?_status=503', $good);
    is(user_at_app($answer), $login->{userId},
        'app\'s 503 to a protected named location: as who it is');
    is(saw_header($answer, 'X-Para-User-Id'), 1, 'app\'s 503: told once');
}


# ---- try_files, rewrite, X-Accel-Redirect ----------------------------------

{
    for my $path (qw(/try-protected /try-named-protected /open-try
        /open-try-named /rewrite-in /try-jwt))
    {
        let_in_as(ask($path, $good), $login, $path);
        refused(ask($path), 401, "$path, nobody");
        refused(ask($path, bearer(tamper($login->{jwt})) . "\n"
                . credentials($login, 'session')), 401, "$path, tampered");
    }

    # From a protected place to an open one: refused first, then anonymous.
    for my $path (qw(/try-public /try-named /try-twice)) {
        refused(ask($path), 401, "$path, nobody");
        my $answer = ask($path, $good);
        is($answer->{status}, 200, "$path: let in");
        anonymous($answer, $path);
    }

    # A rewrite goes before access: where it leads decides.
    my $answer = ask('/rewrite-out');
    is($answer->{status}, 200, 'rewrite out: open');
    anonymous($answer, 'rewrite out');

    $answer = ask('/try-file', $good);
    is($answer->{body}, "a file\n", 'try_files finds a file');
    refused(ask('/try-file'), 401, 'try_files, nobody');

    refused(ask('/internal', $good), 404, 'internal');

    for my $to ('/public/accel', '@public', '/app/accel', '@app',
        '/internal/accel', '/jwt/accel', '/try-public/accel')
    {
        $answer = ask("/app?$accel$to", $good);
        is($answer->{status}, 200, "X-Accel-Redirect $to: let in");

        if ($to =~ /public/) {
            anonymous($answer, "X-Accel-Redirect $to");
            next;
        }
        let_in_as($answer, $login, "X-Accel-Redirect $to");
    }

    # What was granted at one place is nothing at the next.
    my $jwt_only = credentials($login, 'jwt');
    is(ask('/jwt', $jwt_only)->{status}, 200, 'token only: let in');
    for my $to ('/app/accel', '@app', '/try-public/accel') {
        $answer = ask("/jwt?$accel$to", $jwt_only);
        is($answer->{status}, 401, "token only, X-Accel-Redirect $to: 401");
        is(app_count(), 1, "token only, X-Accel-Redirect $to: not again");
    }

    $answer = ask("/app?$accel/any-allow/accel", $good);
    is($answer->{status}, 200, 'X-Accel-Redirect to an allowed address');
    anonymous($answer, 'X-Accel-Redirect to an allowed address');

    $answer = ask("/app?$accel/open.html", $good);
    like($answer->{body}, qr/403 Forbidden/,
        'X-Accel-Redirect to an open page: its include is refused');
    is(app_count(), 1, 'X-Accel-Redirect to an open page: not at the app');

    $answer = ask("/app?$accel/open-user", $good);
    is($answer->{body}, "user=\n", 'X-Accel-Redirect: no variable either');

    # An open app cannot lead the client into a protected place.
    for my $to ('/app/accel', '@app', '/internal/accel') {
        $answer = ask("/public?$accel$to");
        is($answer->{status}, 401, "open, X-Accel-Redirect $to: 401");
        is(app_count(), 1, "open, X-Accel-Redirect $to: once at the app");
        let_in_as(ask("/public?$accel$to", $good),
            $login, "open, X-Accel-Redirect $to, with credentials");
    }

    let_in_as(ask('/if?x=1', $good), $login, 'if: inside');
    let_in_as(ask('/if', $good), $login, 'if: outside');
    let_in_as(ask('/if-off?off=1', $good), $login, 'if: set');
    refused(ask('/if?x=1'),       401, 'if: inside, nobody');
    refused(ask('/if-off?off=1'), 401, 'if: set, nobody');

    # Documented: "return" comes before access.  No identity is shown there.
    $answer = ask('/return');
    is($answer->{status}, 200, 'return: not protected');
    is($answer->{body}, "user=\n", 'return: nobody');
    is(ask('/return', $good)->{body}, "user=\n",
        'return: nobody, with credentials too');
}

# The log sees the decision, and no one after a refusal.
{
    ask('/logged/good', $good);
    ask('/logged/bad',  credentials($login, 'jwt'));
    my @lines;
    wait_until(10, sub {
        open my $in, '<', "$PARA_DIR/phases.log" or return 0;
        @lines = <$in>;
        return @lines >= 2;
    });
    is_deeply(
        \@lines,
        [   "/logged/good ok $login->{userId}\n",
            "/logged/bad session_missing -\n"
        ],
        'access log: status and user'
    );
}


# ---- satisfy ---------------------------------------------------------------

{
    let_in_as(ask('/any-deny', $good), $login, 'any, deny all');
    my $answer = ask('/any-deny');
    refused($answer, 401, 'any, deny all, nobody');
    is(scalar challenges($answer), 1, 'any, deny all, nobody: challenge');
    refused(ask('/any-deny', bearer(tamper($login->{jwt}))
            . "\n" . credentials($login, 'session')),
        401, 'any, deny all, tampered');

    # Let in by the address: no identity, and no credentials either.
    for my $headers ('', $good, bearer('nonsense'), bearer('a b c'),
        credentials($login, 'session'))
    {
        $answer = ask('/any-allow', $headers);
        is($answer->{status}, 200, 'any, allowed address: let in');
        anonymous($answer, 'any, allowed address');
        ok(!saw_header($answer, 'Authorization')
                && !saw_header($answer, 'X-Para-Session'),
            'any, allowed address: no credentials at the app');
    }

    let_in_as(ask('/any-basic', $good), $login, 'any, basic');

    my $session = credentials($login, 'session');
    $answer = ask('/any-basic', "$BASIC\n$session");
    is($answer->{status}, 200, 'any, basic: the password lets in');
    anonymous($answer, 'any, basic, by password');
    ok(!saw_header($answer, 'X-Para-Session'),
        'any, basic, by password: no session at the app');
    ok(!challenges($answer), 'any, basic, by password: no challenge');

    for my $headers ('', $BASIC_WRONG, "$BASIC_WRONG\n$session",
        bearer(tamper($login->{jwt})) . "\n$session")
    {
        $answer = ask('/any-basic', $headers);
        refused($answer, 401, 'any, basic, both fail');

        my @said = challenges($answer);
        is(scalar @said, $LINKED ? 2 : scalar @said,
            'any, basic, both fail: both challenges');
        ok((grep {/Bearer/} @said) == 1,
            'any, basic, both fail: one challenge of ours');
    }

    refused(ask('/any-all'), 401, 'any of three, nobody');
    let_in_as(ask('/any-all', $good), $login, 'any of three');
    $answer = ask('/any-all', $BASIC);
    is($answer->{status}, 200, 'any of three, by password');
    anonymous($answer, 'any of three, by password');

    # Under "all" each must agree, and Para is not asked in vain.
    my $token = "X-Token: $login->{jwt}\n$session";
    $answer = ask('/all-basic', "$BASIC\n$token");
    is($answer->{status}, 200, 'all, basic: let in');
    is(user_at_app($answer), $login->{userId}, 'all, basic: who it is');
    ok(!saw_header($answer, 'X-Token'), 'all, basic: no token at the app');

    refused(ask('/all-basic', $BASIC), 401, 'all, basic only');
    my $new = login('bob');
    reset_para();
    $token = "X-Token: $new->{jwt}\n" . credentials($new, 'session');
    refused(ask('/all-basic', $token), 401, 'all, without password');
    refused(ask('/all-basic', "$BASIC_WRONG\n$token"),
        401, 'all, wrong password');
    refused(ask('/all-deny', credentials($new)), 403, 'all, deny all');
    is(para_calls(), 0, 'all: Para is not asked for who is refused anyway');

    # Para's failure lets nobody in by another way that did not agree.
    fault(VERIFY, '500');
    for my $path (qw(/any-deny /any-basic /any-all)) {
        $answer = ask($path, credentials(login('carol')));
        refused($answer, 503, "$path, Para down");
        ok($answer->{header}{'retry-after'}, "$path, Para down: Retry-After");
    }
    is(ask('/any-basic', $BASIC)->{status}, 200,
        'any, basic, Para down: the password lets in');
    reset_para();
}


# ---- limit_except ----------------------------------------------------------

{
    my $answer = ask('/limit');
    is($answer->{status}, 200, 'limit_except: GET is open');
    anonymous($answer, 'limit_except: GET');
    refused(ask('/limit', '', method => 'POST', body => 'x'),
        401, 'limit_except: POST, nobody');
    let_in_as(ask('/limit', $good, method => 'POST', body => 'x'),
        $login, 'limit_except: POST');

    $answer = ask('/limit-off');
    is($answer->{status}, 200, 'limit_except off: GET is open');
    anonymous($answer, 'limit_except off: GET');
    refused(ask('/limit-off', '', method => 'POST', body => 'x'),
        401, 'limit_except off: POST, nobody');

    for my $method (qw(HEAD OPTIONS PUT DELETE PATCH PROPFIND BREW)) {
        refused(ask('/app', '', method => $method), 401, "$method, nobody");
        my $in = ask('/app', $good, method => $method);
        is($in->{status}, 200, "$method: let in");
        is(app_calls()->[0]{para}{'X-Para-User-Id'},
            $login->{userId}, "$method: as who it is");
    }
    is(ask('/app', '', method => 'HEAD')->{header}{'www-authenticate'},
        'Bearer realm="para"', 'HEAD: challenge');
}


# ---- Subrequests -----------------------------------------------------------

{
    # Access of a subrequest is not checked by nginx, so it is closed.
    refused(ask('/auth-request', $good), 403, 'auth_request, closed');
    refused(ask('/auth-request'),        403, 'auth_request, nobody');

    my $answer = ask('/auth-request-too', $good);
    is($answer->{status}, 200, 'auth_request beside us: let in');
    is(user_at_app($answer), $login->{userId},
        'auth_request beside us: as who it is');
    is(ask('/auth-request-too')->{status}, 401,
        'auth_request beside us, nobody');
    is(ask('/auth-request-same', $good)->{status}, 403,
        'auth_request before we decided: closed');

    # SSI: from an open page; from one that the same policy let in.
    for my $headers ('', $good) {
        $answer = ask('/open.html', $headers);
        is($answer->{status}, 200, 'SSI, open page: shown');
        like($answer->{body}, qr/403 Forbidden/, 'SSI, open page: refused');
        is(app_count(), 0, 'SSI, open page: nothing at the app');
    }

    # What is known of the user is not told where nothing was granted.
    is(ask('/told.html', $good)->{body}, "<$login->{userId}><>",
        'SSI: variables of the same policy, and of none');
    is(ask('/granted', $good)->{body}, '<>',
        'a redirect: what was granted before is not the new location\'s');

    refused(ask('/two.html'), 401, 'SSI, protected page, nobody');

    $answer = ask('/two.html', $good);
    my @parts = split /\|/, $answer->{body};
    is(scalar @parts, 4, 'SSI, protected page: four parts');

    for my $i (0, 1) {
        my $part = eval { JSON::PP::decode_json($parts[$i]) };
        is($part->{para}{'X-Para-User-Id'},
            $login->{userId}, 'SSI, same policy: as who it is');
        ok(!grep({ $_->[0] =~ /\A(?:Authorization|X-Para-Session)\z/i }
                @{$part->{headers}}),
            'SSI, same policy: no credentials');
        is(scalar grep({ lc $_->[0] eq 'x-para-user-id' }
                @{$part->{headers}}),
            1, 'SSI, same policy: told once');
    }
    like($parts[2], qr/403 Forbidden/, 'SSI, another policy: refused');
    my $part = eval { JSON::PP::decode_json($parts[3]) };
    is_deeply($part->{para}, {}, 'SSI, open place: no identity');

    is(app_count(), 3, 'SSI: three at the app');

    for my $headers ('', $good) {
        $answer = ask('/add-open', $headers);
        like($answer->{body}, qr/403 Forbidden/, 'addition, open: refused');
        is(app_count(), 1, 'addition, open: only the page at the app');
    }
    $answer = ask('/add-in', $good);
    is(app_count(), 2, 'addition, same policy: at the app');
    is(app_calls()->[1]{para}{'X-Para-User-Id'},
        $login->{userId}, 'addition, same policy: as who it is');

    # Mirrors.
    is(ask('/mirror', $good, method => 'POST', body => 'mirrored')
        ->{status}, 200, 'mirror: let in');
    wait_until(10, sub { app_count() == 2 });
    my ($mirrored) = grep { $_->{path} =~ /mirrored/ } @{app_calls()};
    is_deeply($mirrored->{para}, {}, 'mirror to an open place: no identity');
    ok(!grep({ $_->[0] =~ /\A(?:Authorization|X-Para-Session)\z/i }
            @{$mirrored->{headers}}),
        'mirror to an open place: no credentials');
    is($mirrored->{body_length}, 8, 'mirror: the body');

    is(ask('/mirror')->{status}, 401, 'mirror, nobody');
    sleep 0.1;
    is(app_count(), 0, 'mirror, nobody: nothing at the app');

    is(ask('/mirror-open', $good)->{status}, 200, 'mirror from open');
    sleep 0.1;
    is(app_count(), 1, 'mirror from open: not into a protected place');

    is(ask('/mirror-same', $good)->{status}, 200, 'mirror, same policy');
    wait_until(10, sub { app_count() == 2 });
    ($mirrored) = grep { $_->{path} =~ /mirrored/ } @{app_calls()};
    is($mirrored->{para}{'X-Para-User-Id'},
        $login->{userId}, 'mirror, same policy: as who it is');
}

# The same from a session that is not known yet: our own call is on the way
# when the phases go on.
{
    for my $path (
        '/try-protected', '/try-public', '/two.html', '/add-in',
        '/mirror-same',  '/any-deny',   '/any-basic',
        "/app?${accel}/app/accel", "/public?${accel}/app/accel",
        '/open-try-named', '/app-error?_status=502', '/page-static'
        )
    {
        for my $delay (0, 50) {
            my $new = login('frank');
            reset_para();
            fault(VERIFY, 'slow', delay_ms => $delay, times => 1);
            my $answer = ask($path, credentials($new));

            is($answer->{status},
                $path =~ /502/ ? 502 : 200, "$path, unknown: let in");
            is(para_calls(VERIFY), 1, "$path, unknown: one call");

            my @users = grep {defined}
                map { $_->{para}{'X-Para-User-Id'} } @{app_calls()};
            is(scalar(grep { $_ ne $new->{userId} } @users),
                0, "$path, unknown: as nobody else");
        }
    }
}


# ---- One connection, two users ---------------------------------------------

{
    my @logins  = map { login($_) } qw(alice bob);
    my $socket  = connect_to($nginx->{port});
    my ($wrong) = (0);
    my @paths   = ('/app', '/try-protected', '/try-public', '/if?x=1',
        '/page-static', "/app?${accel}/app/x", '/jwt');

    for my $i (0 .. 99) {
        my $login = $logins[$i % 2];
        my $path  = $paths[$i % @paths];
        my $bad   = $i % 10 == 9;

        my $answer = exchange(
            $socket,
            request_text(
                $path,
                headers => $bad
                ? bearer($login->{jwt}) . "\n"
                    . credentials($logins[1 - $i % 2], 'session')
                : credentials($login)
            )
        );

        my $expected = $path =~ /public/ ? undef : $login->{userId};
        my $user     = user_at_app($answer);

        if ($bad && $path ne '/jwt') {
            $wrong++ if $answer->{status} != 401 || $answer->{json};
        }
        elsif ($answer->{status} != 200
            || ($user // '') ne ($expected // ''))
        {
            $wrong++;
            diag("$i $path: $answer->{status}, ", $user // 'nobody');
        }
    }
    is($wrong, 0, 'one connection, 100 requests of two users by turns');
}

is_healthy($nginx, 'all of this');


# ---- Another module --------------------------------------------------------

# One that nginx would ask before ours, where a redirect or a subrequest begins.
SKIP: {
    my $reader = other_module('reader')
        // skip 'needs the nginx that the module is built for', 1;

    put_file('www/page.html', '<!--#include virtual="/open/sub" -->');

    $nginx = start_nginx(
        main   => "load_module $reader;",
        http   => http_config(
            http => para_provider(name => 'other')
                =~ s/audience \S+;/audience another-app;/r
        ),
        server => <<"CONF" . verify_location());
        root $PARA_DIR/www;
        location /app { para_auth app; proxy_pass $APP_URL; }
        location /error {
            para_auth app;
            proxy_intercept_errors on;
            error_page 404 = /open/error; error_page 500 = \@open;
            proxy_pass $APP_URL;
        }
        location /try { para_auth app; try_files /nothing /open/try; }
        location /try-named { para_auth app; try_files /nothing \@open; }
        location /try-other { para_auth app; try_files /nothing /other/x; }
        location /try-other-named { para_auth app; try_files /nothing \@other; }
        location /early { para_auth app; proxy_pass $APP_URL; }
        location = /page.html { para_auth app; ssi on; }
        location /open { proxy_pass $APP_URL; }
        location \@open {
            proxy_ignore_headers X-Accel-Redirect; proxy_pass $APP_URL;
        }
        location /other { para_auth other jwt; proxy_pass $APP_URL; }
        location \@other { para_auth other jwt; proxy_pass $APP_URL; }
CONF

    for my $case (
        ['/try',               '/open/try'],
        ['/try-named',         '/try-named'],
        ['/try-other',         '/other/x'],
        ['/try-other-named',   '/try-other-named'],
        ['/error?_status=404', '/open/error'],
        ['/error?_status=500', '/error'],
        ["/app?$accel/open/accel", '/open/accel'],
        ["/app?$accel\@open", '/app'],
        ['/page.html',         '/open/sub'],
        )
    {
        my ($path, $at) = @$case;
        new_log($nginx);
        ask($path, $good);
        my @lines = map { m{reader: (/(?!_para).* header ".*?")} ? $1 : () }
            split /\n/, new_log($nginx);
        my ($begun) = $path =~ /\A([^?]*)/;

        # A server, then its location, which knows who comes with a JWT.
        is(shift @lines, qq($begun user "" status "" header ""),
            "$path: at first nobody");
        is(shift @lines,
            qq($begun user "$login->{userId}" status "" header ""),
            "$path: then who has a JWT");

        # a subrequest has the status of its main request
        my $status = $at =~ /sub/ ? 'ok' : '';

        ok(scalar @lines, "$path: it is led on");
        is_deeply(
            [grep { $_ ne qq($at user "" status "$status" header "") } @lines],
            [], "$path: to where he is nobody"
        );
    }
    is_healthy($nginx, 'a module that reads');
}

done_testing();
