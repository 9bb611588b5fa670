#!/usr/bin/perl

# A worker dies by kill -9 while it ends somebody, at one of its instructions
# after the other, so also with the lock held and half an entry written: what was
# done before stays done, what is sent again is done, and nobody else is ended.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Config;

# Small steps while the lock is held, and large ones behind that;
# PARA_KILL_STEP=1 takes minutes.
use constant {
    SMALL     => 5,
    LOCKED    => 200,
    LARGE     => 41,
    STEPS_MAX => 40_000,
};

plan skip_all => 'the module is part of nginx here: nothing to tell it by'
    if !$ENV{TEST_NGINX_LOAD_MODULES};
plan skip_all => 'not Linux on x86-64: nothing to step with'
    if $Config{archname} !~ /\Ax86_64-linux/;

my $shim  = "$PARA_DIR/kill_at_step.so";
my $file  = "$PARA_DIR/kill-at";
my $state = "$PARA_DIR/state";

system('gcc', '-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', $shim,
    "$FindBin::Bin/helpers/kill_at_step.c") == 0
    or die "the shim does not compile\n";

my $nginx = do {
    local $ENV{LD_PRELOAD}     = $shim;
    local $ENV{PARA_KILL_FILE} = $file;

    # AddressSanitizer would be the first of what is loaded.
    local $ENV{ASAN_OPTIONS} =
        join ':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0';

    start_nginx(
        main   => "env LD_PRELOAD;\nenv PARA_KILL_FILE;\n",
        http   => http_config(provider => "        state_path $state;\n"),
        server => <<"CONF",
        location / { para_auth app jwt; proxy_pass $APP_URL; }
        location /revoke { allow 127.0.0.1; para_auth_revoke app; }
CONF
    );
};

my $alice = login('alice');
my $kept  = {%$alice, jwt => para_jwt($alice, jti => 'kept')};

sub status_of {
    my ($login) = @_;
    return get($nginx->{port}, '/', credentials($login, 'jwt'))->{status};
}

sub revoke {
    my ($jti) = @_;
    return get(
        $nginx->{port}, '/revoke', 'Content-Type: application/json',
        method => 'POST',
        body   => qq({"jti":"$jti"})
    )->{status};
}

sub step_at {
    my ($at) = @_;
    return $ENV{PARA_KILL_STEP} || ($at < LOCKED ? SMALL : LARGE);
}

my (@ended, %seen, $died);

for (my $at = 1 + $$ % step_at(1); $at < STEPS_MAX; $at += step_at($at)) {
    my $one = {%$alice, jwt => para_jwt($alice, jti => "at-$at")};
    my $name = "died at $at";

    is(status_of($one), 200, "$name: before");

    put_file('kill-at', "$at\n");
    my $status = revoke("at-$at");
    unlink $file;

    wait_until(5, sub { status_of($kept) == 200 })
        or BAIL_OUT('nginx does not come back');

    last if $status == 200;
    $died++;

    is($status, 0, $name);
    $seen{status_of($one)}++;

    is(revoke("at-$at"), 200, "$name: sent again");
    is(status_of($one), 401, "$name: and done at once");
    is(status_of($ended[-1]), 401, "$name: what was done stays so")
        if @ended;
    is(status_of($kept), 200, "$name: nobody else");

    push @ended, $one;
}

cmp_ok($died, '>', 10, "died $died times");
ok($seen{200}, 'sometimes nothing had happened yet');
ok($seen{401}, 'sometimes it had');
unlike($nginx->error_log, qr/exited on signal (?!9\b)/, 'nobody crashed');

$nginx->stop;
$nginx->start;
is(scalar(grep { status_of($_) != 401 } @ended), 0,
    'all are on disk');
is(status_of($kept), 200, 'and nobody else');
unlike($nginx->error_log, qr/are no revocations/, 'nor anything else');

done_testing();
