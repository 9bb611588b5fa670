#!/usr/bin/perl

# The life of nginx around the module: reloads under load, workers that die,
# an end while requests wait for Para.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use POSIX       qw(_exit);
use Time::HiRes qw(sleep);

use constant {
    VERIFY  => '/sessions/verify',
    RELOADS => 10,
    CLIENTS => 4,
};

my $SERVER = <<"CONF" . verify_location();
        para_auth app;
        para_auth_session_cache valid=10m;
        add_header X-Cache \$para_auth_cache always;
        location / { proxy_pass $APP_URL; }
CONF

sub gateway {
    my (%options) = @_;
    return start_nginx(server => $SERVER, workers => 2, %options);
}

# A client that asks again and again until told to stop by its pipe.  It says
# how many answers were right, and what the first wrong one was.
sub start_client {
    my ($port, $logins, $fresh) = @_;

    pipe my $stop_in, my $stop    or die "pipe: $!";
    pipe my $said,    my $said_in or die "pipe: $!";

    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $stop;
        close $said;
        my ($good, $wrong) = (0, '');
        my $socket;

        for (my $i = $$; !$wrong; $i++) {
            my $bits = '';
            vec($bits, fileno $stop_in, 1) = 1;
            last if select $bits, undef, undef, 0;

            my $login = $logins->[$i % @$logins];
            my $text  = request_text("/$i", headers => credentials($login),
                close => $fresh);

            # nginx closes idle connections when it reloads: as any client
            # does, try once more where nothing at all came back.
            my $answer;
            for my $try (1, 2) {
                my $kept = $socket;
                $socket //= eval { connect_to($port) };
                $answer =
                    $socket
                    ? exchange($socket, $text)
                    : {status => 0, error => $@};
                undef $socket if $fresh || !$answer->{status}
                    || $answer->{close};
                last if $answer->{status} || !$kept || $answer->{rest};
            }

            my $user = ($answer->{json} // {})->{para}{'X-Para-User-Id'};
            if (   $answer->{status} == 200
                && $user eq $login->{userId}
                && $answer->{json}{path} eq "/$i")
            {
                $good++;
            }
            else {
                $wrong = join ' ', "$answer->{status}",
                    $answer->{error} // '', $user // 'nobody';
            }
        }

        syswrite $said_in, "$good $wrong\n";
        _exit(0);
    }

    close $stop_in;
    close $said_in;
    return {pid => $pid, stop => $stop, said => $said};
}

sub stop_clients {
    my @clients = @_;

    close $_->{stop} for @clients;
    my @said;
    for my $client (@clients) {
        push @said, readline $client->{said};
        waitpid $client->{pid}, 0;
    }
    chomp @said;
    return @said;
}


# ---- Reloads under load ----------------------------------------------------

{
    my $nginx  = gateway();
    my @logins = map { login($_) } qw(alice bob carol dave erin frank);
    reset_para();
    reset_app();

    my %seen = map { $_ => 1 } workers_of($nginx);
    my @clients =
        map { start_client($nginx->{port}, \@logins, $_ % 2) } 1 .. CLIENTS;

    for (1 .. RELOADS) {
        sleep 0.3;
        my @before = workers_of($nginx);
        $nginx->reload;
        wait_until(15,
            sub { my %now = map { $_ => 1 } workers_of($nginx);
                keys %now >= 2 && !grep { $now{$_} } @before })
            or fail('reload: new workers come');
        $seen{$_} = 1 for workers_of($nginx);
    }
    sleep 0.2;

    my $total = 0;
    for my $said (stop_clients(@clients)) {
        my ($good, $wrong) = split / /, $said, 2;
        is($wrong, '', 'reload: no request failed');
        $total += $good;
    }
    cmp_ok($total, '>', 100, "reload: $total requests under way");
    cmp_ok(scalar keys %seen, '>=', 2 * RELOADS, 'reload: it did reload');

    # The cache survived: each session was asked for once or twice (once a
    # worker at the start), not after each reload; 10 minutes are not over.
    cmp_ok(para_calls(VERIFY), '<=', 2 * @logins,
        'reload: Para is not asked again');
    is_healthy($nginx, 'reload');

    my $answer = get($nginx->{port}, '/', credentials($logins[0]));
    is($answer->{header}{'x-cache'}, 'HIT', 'reload: still known');

    # A new session, and an ended one, after all that.
    my $login = login('alice');
    is(get($nginx->{port}, '/', credentials($login))->{status}, 200,
        'reload: a new session');
    $login = login('bob');
    end_session($login);
    is(get($nginx->{port}, '/', credentials($login))->{status}, 401,
        'reload: an ended session');
    $nginx->stop;
}

# What is cached holds for the policy that it was checked under.
{
    my $nginx = gateway();
    my $login = login('alice');
    is(get($nginx->{port}, '/', credentials($login))->{status}, 200,
        'policy: known');

    open my $in, '<', $nginx->{file} or die $!;
    my $conf = do { local $/; <$in> };
    (my $other = $conf) =~ s/audience \S+;/audience somebody-else;/ or die;

    for my $step ([$other, 401], [$conf, 200]) {
        my ($text, $status) = @$step;
        open my $out, '>', $nginx->{file} or die $!;
        print {$out} $text;
        close $out;

        $nginx->reload;
        ok( wait_until(
                5,
                sub {
                    get($nginx->{port}, '/', credentials($login))->{status}
                        == $status;
                }
            ),
            "policy: after a reload it is $status"
        );
    }

    # A zone of another size is a new one.
    (my $bigger = $conf) =~ s/para:4m/para:8m/ or die;
    open my $out, '>', $nginx->{file} or die $!;
    print {$out} $bigger;
    close $out;
    my @before = workers_of($nginx);
    $nginx->reload;
    wait_until(5, sub { my %now = map { $_ => 1 } workers_of($nginx);
        keys %now >= 2 && !grep { $now{$_} } @before });
    is(get($nginx->{port}, '/', credentials($login))->{status}, 200,
        'another size: works');
    is_healthy($nginx, 'policy');
    $nginx->stop;
}

# Requests that wait for Para when the reload comes get their answer.
{
    my $nginx = gateway();
    my $login = login('carol');
    reset_para();
    fault(VERIFY, 'slow', delay_ms => 800);

    my @sockets = map { connect_to($nginx->{port}) } 1 .. 20;
    send_text($_, request_text('/', headers => credentials($login)))
        for @sockets;
    wait_for_calls(VERIFY, 1);
    $nginx->reload;

    my @answers = map { read_answer($_) } @sockets;
    is(scalar(grep { $_->{status} == 200 } @answers), 20,
        'reload while waiting: all let in');
    cmp_ok(para_calls(VERIFY), '<=', 2, 'reload while waiting: calls');
    is_healthy($nginx, 'reload while waiting');
    $nginx->stop;
}

# One process that is master and worker (which nginx itself cannot reload).
{
    my $nginx = gateway(main => 'master_process off;');
    my $login = login('dave');
    reset_para();
    fault(VERIFY, 'slow', delay_ms => 200, times => 1);

    my @answers = burst($nginx->{port},
        [(request_text('/', headers => credentials($login), close => 1)) x 50]
    );
    is(scalar(grep { $_->{status} == 200 } @answers), 50,
        'single process: all let in');
    is(para_calls(VERIFY), 1, 'single process: one call');

    $nginx->{process}->signal('QUIT');
    ok(wait_until(5, sub { !$nginx->is_running }), 'single process: ends');
    is_healthy($nginx, 'single process');
}


# ---- Workers that die ------------------------------------------------------

{
    my $nginx = gateway();
    my $login = login('erin');
    reset_para();
    is(get($nginx->{port}, '/', credentials($login))->{status}, 200,
        'killed worker: before');

    for my $round (1 .. 3) {
        my @before = workers_of($nginx);

        # One of them is in the middle of a call.
        my $new = login('frank');
        fault(VERIFY, 'slow', delay_ms => 1000, times => 1);
        my $calls  = para_calls(VERIFY);
        my $socket = connect_to($nginx->{port});
        send_text($socket, request_text('/', headers => credentials($new)));
        wait_until(5, sub { para_calls(VERIFY) > $calls });

        kill 'KILL', @before;
        ok( wait_until(
                5,
                sub {
                    my %now = map { $_ => 1 } workers_of($nginx);
                    keys %now >= 2 && !grep { $now{$_} } @before;
                }
            ),
            "killed worker, round $round: others come"
        );
        is(read_answer($socket)->{status}, 0,
            "killed worker, round $round: its request is lost");
        is(get($nginx->{port}, '/', credentials($new))->{status}, 200,
            "killed worker, round $round: and asked again");

        my $answer = get($nginx->{port}, '/', credentials($login));
        is($answer->{status}, 200, "killed worker, round $round: let in");
        is($answer->{header}{'x-cache'}, 'HIT',
            "killed worker, round $round: still known");
    }
    unlike($nginx->error_log, qr/\[emerg\]|signal 11|signal 6/,
        'killed worker: nothing else broke');
    $nginx->stop;
}


# ---- The end ---------------------------------------------------------------

{
    my $nginx = gateway();
    my $login = login('alice');
    reset_para();
    fault(VERIFY, 'slow', delay_ms => 1500);

    # It closes where it listens: all of them are to be inside by then.
    my @sockets = map { connect_to($nginx->{port}) } 1 .. 20;
    send_text($_, request_text('/', headers => credentials($login)))
        for @sockets;
    wait_for_calls(VERIFY, 1);
    sleep 0.5;
    $nginx->{process}->signal('QUIT');

    my @answers = map { read_answer($_) } @sockets;
    is(scalar(grep { $_->{status} == 200 } @answers), 20,
        'quit while waiting: all let in');
    ok(wait_until(5, sub { !$nginx->is_running }),
        'quit while waiting: and then it ends');
    is_healthy($nginx, 'quit while waiting');
}

# In haste: nobody is let in, and nothing crashes.
{
    my $nginx = gateway();
    my $login = login('bob');
    reset_para();
    reset_app();
    fault(VERIFY, 'hang');

    my @sockets = map { connect_to($nginx->{port}) } 1 .. 20;
    send_text($_, request_text('/', headers => credentials($login)))
        for @sockets;
    wait_for_calls(VERIFY, 1);
    $nginx->{process}->signal('TERM');

    my @answers = map { read_answer($_) } @sockets;
    is(scalar(grep { $_->{status} } @answers), 0, 'terminated: no answer');
    ok(wait_until(5, sub { !$nginx->is_running }), 'terminated: ends');
    is(app_count(), 0, 'terminated: nothing at the app');
    unlike($nginx->error_log, qr/exited on signal/,
        'terminated: nobody crashed');
    reset_para();
}

done_testing();
