#!/usr/bin/perl

# A renewal that fails, that a reload interrupts, or that dies with its worker:
# no request notices, and it is made up for.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaRenewal;
use ParaTls;
use Test::More;

use Time::HiRes qw(sleep time);

make_certificates();


# ---- When Para does not answer ---------------------------------------------

for my $mode (qw(500 401 html reset 429)) {
    my $nginx  = renewing_gateway(valid => 3);
    my $login  = login('alice');
    my @others = map { login('bob') } 1 .. 3;

    reset_para();
    my $began = time;
    known($nginx, credentials($_)) for $login, @others;
    fault(VERIFY, $mode);

    my @answers = busy(
        $nginx,
        credentials($login),
        6,
        each => sub {
            return 1 if $_[0]{status} != 200;
            get($nginx->{port}, '/', credentials($_)) for @others;
            return 0;
        }
    );
    my $last = pop @answers;

    is($last->{status}, 503, "$mode: then nobody is let in");
    cmp_ok($last->{began} - $began, '>', 2.6, "$mode: not before its time");
    is(waits(@answers), 0, "$mode: a failure changes nothing");
    is(scalar(grep {/cannot be renewed/} error_lines($nginx)),
        1, "$mode: one line");

    fault(VERIFY, 'off');
    ok( wait_until(
            8,
            sub {
                get($nginx->{port}, '/', credentials($login))->{status} == 200;
            }
        ),
        "$mode: and all is well again"
    );
    is_healthy($nginx, $mode);
    $nginx->stop;
}

# So many at once, and no more.
{
    my $nginx  = renewing_gateway(valid => 12);
    my @logins = map { login('alice') } 1 .. 90;

    # those of one second would be the same, and pay for all of them
    $logins[$_]{jwt} = para_jwt('alice', jti => $_) for 0 .. $#logins;

    reset_para();
    burst($nginx->{port},
        [map { request_text('/', headers => credentials($_), close => 1) }
                @logins]);
    is(para_calls(VERIFY), 90, '90 sessions');
    reset_para();
    fault(VERIFY, 'hang');

    my (@answers, $max);
    my $end = time + 11;
    while (time < $end) {
        push @answers, burst($nginx->{port},
            [map { request_text('/', headers => credentials($_), close => 1) }
                    @logins]);
        last if renewals() >= 64;
    }
    sleep 0.3;

    is(scalar(renewals()), 64, '90 sessions: 64 renewals in flight');
    is(waits(@answers), 0, '90 sessions: nobody waits');

    my $began = time;
    $nginx->{process}->signal('QUIT');
    ok(wait_until(5, sub { !$nginx->is_running }), '... nor does the end');
    cmp_ok(time - $began, '<', 4, '... for them');
    is_healthy($nginx, '64 in flight');
    $nginx->stop;
}


# ---- Reload, exit, death ---------------------------------------------------

{
    my $nginx = renewing_gateway(valid => 30, workers => 2);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    fault(VERIFY, 'slow', delay_ms => 4500, times => 1);
    my ($reloaded, $ended);
    my @before = workers_of($nginx);

    my @answers = busy(
        $nginx,
        credentials($login),
        33,
        again => 1,
        each  => sub {
            if (!$reloaded && renewals()) {
                $nginx->reload;
                $reloaded = time;
            }
            if ($reloaded && !$ended) {
                my %now = map { $_ => 1 } workers_of($nginx);
                $ended = time if !grep { $now{$_} } @before;
            }
            return 0;
        }
    );

    ok($reloaded, 'reload: in the middle of a renewal');
    cmp_ok(($ended // 'inf') - $reloaded, '<', 3,
        'reload: no worker stays for it');
    is(waits(@answers), 0, 'reload: the new ones renew it');
    is(answers_by(status => @answers)->{200}, scalar @answers,
        'reload: all let in');
    is_healthy($nginx, 'reload');
    $nginx->stop;
}

{
    my $nginx = renewing_gateway(valid => 30, workers => 2);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    fault(VERIFY, 'hang', times => 1);
    my $killed;

    my @answers = busy(
        $nginx,
        credentials($login),
        33,
        again => 1,
        each  => sub {
            if (!$killed && renewals()) {
                kill 'KILL', workers_of($nginx);
                $killed = time;
                wait_until(5, sub { workers_of($nginx) == 2 });
            }
            return 0;
        }
    );

    ok($killed, 'kill -9: in the middle of a renewal');
    is(waits(@answers), 0, 'kill -9: the others renew it');
    cmp_ok(scalar renewals(), '>=', 2, 'kill -9: at once');
    unlike($nginx->error_log, qr/signal 11|signal 6|\[emerg\]/,
        'kill -9: nothing else broke');
    $nginx->stop;
}

# One process that is master and worker.
{
    my $nginx = renewing_gateway(valid => 9, main => 'master_process off;');
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    my @answers = busy($nginx, credentials($login), 12);
    is(waits(@answers), 0, 'single process: nobody waits');
    cmp_ok(scalar renewals(), '>=', 1, 'single process: renewed');
    is_healthy($nginx, 'single process');
    $nginx->stop;
}

done_testing();
