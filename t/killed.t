#!/usr/bin/perl

# A worker dies by kill -9 at each copy that it makes for a request, so also
# inside the shared cache with the lock held and half an entry written: nobody
# gets a wrong verdict or another's identity, and the gateway goes on.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;


use constant {
    COPIES_MAX => 200,
    FILLERS    => 12,
};

plan skip_all => 'the module is part of nginx here: nothing to tell it by'
    if !$ENV{TEST_NGINX_LOAD_MODULES};

my $shim = "$PARA_DIR/kill_at_copy.so";
my $file = "$PARA_DIR/kill-at";

system('gcc', '-shared', '-fPIC', '-O1', '-fno-builtin', '-Wall', '-Werror',
    '-o', $shim, "$FindBin::Bin/helpers/kill_at_copy.c") == 0
    or die "the shim does not compile\n";

my $nginx = do {
    local $ENV{LD_PRELOAD}     = $shim;
    local $ENV{PARA_KILL_FILE} = $file;

    start_nginx(
        main   => "env LD_PRELOAD;\nenv PARA_KILL_FILE;\n",
        http   => http_config(zone => '128k'),
        server => <<"CONF" . verify_location());
        location / { para_auth app; proxy_pass $APP_URL; }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
CONF
};

sub user_of {
    my ($answer) = @_;
    return $answer->{json} && $answer->{json}{para}{'X-Para-User-Id'};
}

# Others' entries of the same sizes, so that memory in the zone is used again.
sub fill {
    for my $n (1 .. FILLERS) {
        my $user  = (qw(alice bob carol dave))[$n % 4];
        my $login = login($user);
        my $answer = get($nginx->{port}, $n % 2 ? '/' : '/jwt',
            credentials($login, $n % 2 ? undef : 'jwt'));
        return "filler $n: $answer->{status}"
            if $answer->{status} != 200
            || user_of($answer) ne $login->{userId};
    }
    return;
}

sub still_right {
    my ($name, $path, $login) = @_;

    my @wrong;

    for my $asked ($login, login('bob'), login('erin')) {
        my $answer = get($nginx->{port}, $path,
            credentials($asked));
        push @wrong, "$answer->{status} for $asked->{userId}: "
            . (user_of($answer) // 'nobody')
            if $answer->{status} != 200
            || user_of($answer) ne $asked->{userId};
    }

    return is("@wrong", '', $name);
}

for my $path ('/', '/jwt') {
    for my $warm (0, 1) {
        my $kind = $path . ($warm ? ', warm' : ', cold');
        my $died = 0;

        for my $at (1 .. COPIES_MAX) {
            my $login = login('frank');
            $login->{jwt} = para_jwt($login, jti => "$kind $at");
            is(fill(), undef, "$kind: others");

            get($nginx->{port}, $path, credentials($login))
                if $warm;

            put_file('kill-at', "$at\n");
            my $answer = get($nginx->{port}, $path,
                credentials($login));

            my $lived = -e $file;
            unlink $file;
            last if $lived && $answer->{status} == 200;

            $died++;
            is($answer->{status}, 0, "$kind: died at copy $at");
            wait_until(5, sub { get($nginx->{port}, '/', '')->{status} == 401 })
                or BAIL_OUT('nginx does not come back');

            still_right("$kind: after copy $at", $path, $login) or last;
        }

        ok($died > ($warm ? 0 : 3), "$kind: died $died times");
        ok($died < COPIES_MAX, "$kind: and lived at last");
    }
}

my $log = $nginx->error_log;
like($log, qr/\[alert\].*a worker died in the shared cache, which begins anew/,
    'some died in the cache, and the log says so');
unlike($log, qr/exited on signal (?!9\b)/, 'nobody crashed');

done_testing();
