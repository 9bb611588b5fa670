#!/usr/bin/perl

# para_auth_preflight: what a browser asks before it sends credentials passes
# as nobody's, and nothing else does.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

my $h2 = free_ports() + 2;

put_file('htpasswd', "staff:{PLAIN}secret\n");

my $SERVER = <<"CONF";
        listen 127.0.0.1:$h2 http2;
        para_auth app;
        para_auth_preflight pass;
        add_header X-Status \$para_auth_status always;
        add_header X-Shown "\$para_auth_user_id\$para_auth_cache" always;

        location / { proxy_pass $APP_URL; }
        location /role { para_auth_require_role admin; proxy_pass $APP_URL; }
        location /require { para_auth_require \$arg_a; proxy_pass $APP_URL; }
        location /early {
            set \$early \$para_auth_user_id;
            add_header X-Early \$early always;
            proxy_pass $APP_URL;
        }
        location /deny { para_auth_preflight deny; proxy_pass $APP_URL; }
        location /dry { para_auth_dry_run on; proxy_pass $APP_URL; }
        location /limited {
            proxy_pass $APP_URL;
            limit_except GET { para_auth_preflight deny; proxy_pass $APP_URL; }
        }
        location /any-deny { satisfy any; deny all; proxy_pass $APP_URL; }
        location /any-basic {
            satisfy any;
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            proxy_pass $APP_URL;
        }
        location /all-deny { deny all; proxy_pass $APP_URL; }
        location /to-deny { try_files /none \@deny; }
        location \@deny { para_auth_preflight deny; proxy_pass $APP_URL; }
        location /to-pass {
            para_auth_preflight deny;
            error_page 401 = \@pass;
            proxy_pass $APP_URL;
        }
        location \@pass { proxy_pass $APP_URL; }
        location /page {
            error_page 405 = /got;
            root /nowhere;
        }
        location /got { proxy_pass $APP_URL; }
        location /default {
            para_auth_preflight deny;
            proxy_pass $APP_URL;
        }
CONF

sub options {
    my (%options) = @_;

    my $server = delete $options{server} // $SERVER;
    $options{http} //= http_config(provider => own_issuer());

    return (%options, server => "$server\n" . verify_location());
}

my $nginx = start_nginx(options());

my $ORIGIN = 'Origin: https://app.example';
my $METHOD = 'Access-Control-Request-Method: DELETE';
my $ASK    = "$ORIGIN\n$METHOD\nAccess-Control-Request-Headers: authorization";

sub ask {
    my ($path, $headers, %options) = @_;
    return get($nginx->{port}, $path, $headers, method => 'OPTIONS', %options);
}

sub is_passed {
    my ($answer, $name) = @_;

    is($answer->{status}, 200, "$name: passed");
    is($answer->{json}{method}, 'OPTIONS', "$name: as it is");
    is($answer->{header}{$_}, undef, "$name: no $_")
        for qw(x-shown www-authenticate);
    is_deeply([map { seen_by_app($answer, $_) }
            qw(x-para-user-id x-para-roles x-para-wallets authorization
            x-para-session)],
        [], "$name: neither identity nor credentials");

    return;
}

sub is_refused {
    my ($answer, $name) = @_;
    is($answer->{status}, 401, "$name: refused");
    is($answer->{header}{'x-status'}, 'token_missing', "$name: token_missing");
    return;
}


# ---- What passes ----------------------------------------------------------

reset_para();

for my $path (qw(/ /role /require)) {
    my $answer = ask($path, $ASK);
    is_passed($answer, $path);
    is($answer->{header}{'x-status'}, undef, "$path: nothing was decided");
    is_deeply([map { seen_by_app($answer, $_) }
            qw(origin access-control-request-method)],
        ['https://app.example', 'DELETE'], "$path: with its question");
}

is_passed(ask('/', "origin: null\nACCESS-CONTROL-REQUEST-METHOD: x"),
    'other spellings');
is_passed(ask('/', "$ORIGIN\n$METHOD"), 'without a list of headers');

# Nobody's, whatever comes with it.
{
    my $login = login('alice');
    my $lies  = join "\n",
        map {"$_: mallory"} qw(X-Para-User-Id x_para_roles X.Para.Wallets);

    is_passed(ask('/', "$ASK\n$lies"), 'with look-alikes');
    is_passed(ask('/', "$ASK\n" . credentials($login)), 'with credentials');
    my $early = ask('/early', "$ASK\n" . credentials($login));
    is_passed($early, 'looked at early');
    is($early->{header}{'x-early'}, undef, '... and nobody was there');
    is(ask('/early', credentials($login), method => 'GET')
            ->{header}{'x-early'}, $login->{userId}, '... but for a GET');
    reset_para();
    is_passed(ask('/', "$ASK\n" . bearer(tamper($login->{jwt}))),
        'with a forged JWT');
    is_passed(ask('/', "$ASK\nX-Para-Session: a\nX-Para-Session: b"),
        'with two sessions');
}

is(para_calls(), 0, 'Para is not asked');
unlike($nginx->error_log, qr/refused/, 'nothing was refused');


# ---- What does not --------------------------------------------------------

for my $method (qw(GET HEAD POST PUT PATCH DELETE PROPFIND OPTIONSX)) {
    is(ask('/', $ASK, method => $method)->{status}, 401, $method);
    is(ask('/', "$ASK\nX-HTTP-Method-Override: OPTIONS", method => $method)
            ->{status}, 401, "$method as OPTIONS");
}
isnt(ask('/', $ASK, method => $_)->{status}, 200, $_) for qw(options Options);

for my $case (
    ['no headers',        ''],
    ['no method',         $ORIGIN],
    ['no origin',         $METHOD],
    ['an empty origin',   "Origin:\n$METHOD"],
    ['a blank origin',    "Origin:   \n$METHOD"],
    ['an empty method',   "$ORIGIN\nAccess-Control-Request-Method:"],
    ['two origins',       "$ORIGIN\n$ORIGIN\n$METHOD"],
    ['an empty one more', "$ORIGIN\n$METHOD\nOrigin:"],
    ['two methods',       "$ORIGIN\n$METHOD\n$METHOD"],
    ['a longer name',     "$ORIGIN\nAccess-Control-Request-Methods: GET"],
    ['a shorter name',    "$ORIGIN\nAccess-Control-Request-Metho: GET"],
    ['another character', "$ORIGIN\nAccess.Control.Request.Method: GET"],
    ['its answer',        "$ORIGIN\nAccess-Control-Allow-Method: GET"],
    ['headers alone',     "$ORIGIN\nAccess-Control-Request-Headers: x"],
    ['X-Origin',          "X-Origin: https://app.example\n$METHOD"],
    )
{
    my ($name, $headers) = @$case;
    is_refused(ask('/', $headers), $name);
}

# With credentials it is decided as anything else is.
{
    my $login = login('alice');
    my $answer = ask('/', credentials($login));
    is($answer->{status}, 200, 'OPTIONS with credentials: let in');
    is_deeply([seen_by_app($answer, 'x-para-user-id')], [$login->{userId}],
        '... as who it is');
    is(ask('/role', credentials($login))->{status}, 403,
        '... and not without the role');
    is(ask('/deny', "$ASK\n" . credentials($login))->{status}, 200,
        'where none passes: by credentials');
}

is_refused(ask($_, $ASK), $_) for qw(/deny /default /limited /to-deny);
is_passed(ask('/to-pass', $ASK), 'redirected to where they pass');

# nginx makes a GET of what it redirects to a page.
is(ask('/page', $ASK)->{status}, 401, 'a page, which is a GET');


# ---- Others decide --------------------------------------------------------

is(ask('/any-deny', $ASK)->{status},  403, 'any, deny all');
is(ask('/all-deny', $ASK)->{status},  403, 'all, deny all');
is(ask('/any-basic', $ASK)->{status}, 401, 'any, no password');

my $answer = ask('/dry', $ASK);
is($answer->{status}, 200, 'a dry run');
is($answer->{header}{'x-status'}, undef, '... which decides nothing');
is(ask('/dry', $ORIGIN)->{header}{'x-status'}, 'token_missing',
    '... of this, and of others does');


# ---- HTTP/2 ---------------------------------------------------------------

sub h2_status {
    my ($method, @headers) = @_;
    my $answer =
        curl_h2($h2, '/', join("\n", @headers), '-X', $method);
    return "$answer->{status} $answer->{version}";
}

my @ask = ($ORIGIN, $METHOD);
is(h2_status('OPTIONS', @ask), '200 2', 'HTTP/2: passed');
is(h2_status('OPTIONS', $ORIGIN), '401 2', 'HTTP/2: half of it');
is(h2_status('OPTIONS', $METHOD, 'Origin;'),
    '401 2', 'HTTP/2: an empty origin');
is(h2_status('GET', @ask), '401 2', 'HTTP/2: GET');
is(h2_status('DELETE', @ask), '401 2', 'HTTP/2: DELETE');
isnt(h2_status('options', @ask), '200 2', 'HTTP/2: options');

is_healthy($nginx, 'all of this');


# ---- nginx -t -------------------------------------------------------------

sub checks {
    my ($name, $good, $pattern, $server) = @_;
    nginx_says($name, $good, $pattern, options(server => $server));
    return;
}

my $OPEN = 'location / { return 200; }';

checks("\"$_\"", 1, qr/syntax is ok/,
    "para_auth app; para_auth_preflight $_; $OPEN")
    for qw(pass deny);
checks("\"$_\"", 0, qr/invalid value "\Q$_\E"/,
    "para_auth app; para_auth_preflight '$_'; $OPEN")
    for qw(on off passing), '';
checks('twice', 0, qr/is duplicate/, 'para_auth app; '
    . "para_auth_preflight pass; para_auth_preflight pass; $OPEN");

done_testing();
