#!/usr/bin/perl

# The module in an nginx that is built from source: linked in, and as a dynamic
# module of nginx's own ./configure.  Both do the same; and the shared object
# shows nginx what nginx looks up, and nothing else.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Cwd qw(abs_path);

my $ROOT = abs_path("$FindBin::Bin/..");

# The suites that are about phases and filters, whose order the build decides.
my @SUITES = ('phases.t');

sub exports {
    my ($so) = @_;

    open my $in, '-|', 'nm', '-D', '--defined-only', $so or die "nm: $!";
    return [sort map { (split)[-1] } <$in>];
}

my $EXPORTS = [qw(ngx_module_names ngx_module_order ngx_modules)];

SKIP: {
    my $module = $ENV{TEST_NGINX_LOAD_MODULES};
    skip 'a static build is tested', 1 if !$module || !-e $module;
    is_deeply(exports($module), $EXPORTS, 'exports of the module');
}

# The source comes from Debian's mirror, as the packages do.
my $said = `$ROOT/scripts/fetch-nginx-source $ROOT/build/nginx-src 2>&1`;
if ($?) {
    diag($said, 'Without a mirror, leave t/build.t out.');
    fail('nginx\'s source can be had');
    done_testing();
    exit 1;
}

for my $kind (qw(static dynamic)) {
    my $output = `$ROOT/scripts/build-source $kind 2>&1`;
    is($?, 0, "$kind: builds") or diag($output);
    is($output, '', "$kind: without a warning");
    next if $?;

    my $binary = "$ROOT/build/$kind/nginx";
    my $module = "$ROOT/build/$kind/ngx_http_para_auth_module.so";
    my $load   = $kind eq 'dynamic' ? $module : '';

    is_deeply(exports($module), $EXPORTS, "$kind: exports") if $load;

    local $ENV{TEST_NGINX_BINARY}       = $binary;
    local $ENV{TEST_NGINX_LOAD_MODULES} = $load;
    local $ENV{PARA_TEST_MODULE}        = $load;

    # The filters of others would all like to change Para's answer.
    my $nginx = start_nginx(
        http => http_config(http => <<"CONF"),
    gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;
    ssi on; ssi_types *;
    sub_filter_types *; sub_filter authType evil; sub_filter_once off;
    charset utf-8; charset_types *;
    add_before_body /open/before;
    slice 16;
CONF
        server => <<"CONF" . verify_location());
        para_auth app;
        location / { proxy_pass $APP_URL; }
        location /denied { deny all; proxy_pass $APP_URL; }
        location /any { satisfy any; deny all; proxy_pass $APP_URL; }
        location = /open/before { para_auth off; return 200 ''; }
CONF
    my $login = login('alice');
    reset_para();
    reset_app();

    is(get($nginx->{port}, '/denied', credentials($login))->{status},
        403, "$kind: others decide first");
    is(para_calls(), 0, "$kind: and Para is not asked then");

    for my $path ('/', '/', '/any') {
        my $answer = get($nginx->{port}, $path, credentials($login),
            version => '1.0');
        is($answer->{status}, 200, "$kind: $path, let in");
        is(app_calls()->[-1]{para}{'X-Para-User-Id'},
            $login->{userId}, "$kind: $path, as who it is");
    }
    is(para_calls('/sessions/verify'), 1, "$kind: one call");

    is(get($nginx->{port}, '/')->{status},    401, "$kind: nobody");
    is(get($nginx->{port}, '/any')->{status}, 401, "$kind: any, nobody");

    my $ended = login('bob');
    end_session($ended);
    is(get($nginx->{port}, '/', credentials($ended))->{status},
        401, "$kind: ended");

    reset_para();
    ParaTest::fault('/sessions/verify', 'truncated');
    is(get($nginx->{port}, '/', credentials(login('carol')))->{status},
        503, "$kind: Para's answer is not whole");
    ParaTest::fault('/sessions/verify', 'off');
    is(get($nginx->{port}, '/', credentials(login('carol')),
            method => 'POST', body => 'x' x 100_000)->{status},
        200, "$kind: POST");

    is_healthy($nginx, $kind);
    $nginx->stop;

    for my $suite (@SUITES) {
        my $tap = `$^X $FindBin::Bin/$suite 2>&1`;
        is($?, 0, "$kind: $suite")
            or diag(join '', grep {/^(?:#|not ok)/m} split /^/, $tap);
    }
}

done_testing();
