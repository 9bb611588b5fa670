#!/usr/bin/perl

# Key sets by URL: when they are fetched and by whom, what requests get until
# they are there, and what a key costs that nobody knows.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaKeys;
use Test::More;

use Time::HiRes qw(sleep time);

use constant {
    WAITERS => 128,
    KIDS    => 10_000,
};

# So that nothing happens that the test does not cause.
my @QUIET = (refresh => '1h', cooldown => '1h');

my $token = fresh_jwt();

sub texts {
    my ($jwt, $n) = @_;
    return [(request_text('/', headers => bearer($jwt), close => 1)) x $n];
}


# This one's first fetch lasts until its time is over: see the end.
my $in_vain = key_gateway(
    workers => 2,
    api     => 'http://127.0.0.1:' . black_hole_port()
);


# ---- The first fetch -------------------------------------------------------

for my $workers (1, 2, 4) {
    my $name = "start, $workers worker(s)";

    reset_para();
    fault(JWKS, 'slow', delay_ms => 700, times => 1);
    my $nginx = key_gateway(workers => $workers, @QUIET);

    my $begin   = time;
    my @answers = burst($nginx->{spread}, texts($token, 40));
    is_deeply(statuses(@answers), {200 => 40}, "$name: they wait, and pass");
    cmp_ok(time - $begin, '<', 10, "$name: no longer than need be");

    is_everywhere($nginx, fresh_jwt(), 200, "$name: all know the keys");
    sleep 0.3;
    is(fetches(), 1, "$name: of one fetch");
    says_once($nginx, qr/\[notice\].*key set .* is new, with 2 keys/,
        "$name: which is told");
    is_healthy($nginx, $name);
    $nginx->stop;
}

# Para is there and says nothing.
{
    reset_para();
    fault(JWKS, 'hang');
    my $port  = para_listen();
    my $nginx = key_gateway(workers => 2, api => "http://127.0.0.1:$port");

    my $begin   = time;
    my @answers = burst($nginx->{spread}, texts($token, 40));
    my $took    = time - $begin;
    is_deeply(statuses(@answers), {503 => 40}, 'hang: no keys');
    cmp_ok($took, '>', 1.5, 'hang: they waited');
    cmp_ok($took, '<', 6,   'hang: for a bounded time');
    is(scalar(grep { $_->{header}{'x-status'} eq 'keys_unavailable' }
                @answers),
        40, 'hang: and are told why');
    is(scalar(grep { $_->{header}{'retry-after'} =~ /\A[1-9]\d?\z/ }
                @answers),
        40, 'hang: and when to come back');
    is(fetches(), 1, 'hang: one fetch');

    # What cannot be helped by keys does not wait.
    $begin = time;
    is(ask($nginx, own_jwt(alg => 'HS256'))->{status}, 401,
        'hang: an algorithm that is not allowed');
    is(get($nginx->{spread}, '/', '')->{status}, 401, 'hang: no token');
    cmp_ok(time - $begin, '<', 1.5, 'hang: are refused at once');

    para_unlisten($port);
    fault(JWKS, 'off');
    says_once($nginx, qr/\[error\].*cannot be fetched .*cannot be verified/,
        'hang: the reason is told');
    para_listen(port => $port);
    becomes_everywhere($nginx, $token, 200, 'hang: and then it is well');
    says_once($nginx, qr/\[notice\].*is fetched again/,
        'hang: which is told too');
    is_healthy($nginx, 'hang');
    $nginx->stop;
    para_unlisten($port);
}

# Nobody is there.
{
    my $port = para_listen();
    para_unlisten($port);
    my $nginx = key_gateway(workers => 2, api => "http://127.0.0.1:$port");
    says_once($nginx, qr/\[error\].*cannot be fetched \(connect, /,
        'refused: the reason is told');

    for (1 .. 3) {
        my $begin  = time;
        my $answer = ask($nginx, $token);
        is($answer->{status}, 503, 'refused: no keys');
        is($answer->{header}{'x-status'}, 'keys_unavailable',
            'refused: that is why');
        is($answer->{header}{'www-authenticate'}, undef,
            'refused: the token is not to blame');
        like($answer->{header}{'retry-after'}, qr/\A[1-9]\d?\z/,
            'refused: with a time');
        cmp_ok(time - $begin, '<', 1.5, 'refused: at once');
    }

    reset_para();
    para_listen(port => $port);
    becomes_everywhere($nginx, $token, 200, 'refused: and then it is well');
    is_healthy($nginx, 'refused');
    $nginx->stop;
    para_unlisten($port);
}


# ---- When it is fetched again ----------------------------------------------

sub intervals {
    my @times = map { $_->{time} } para_requests(JWKS);
    return map { $times[$_] - $times[$_ - 1] } 1 .. $#times;
}

# Each gap is at least the first number of seconds, and the usual one at most
# the second: a busy machine may be late, but never early.
sub paced {
    my ($least, $most, $name) = @_;

    my @gaps = sort { $a <=> $b } intervals();
    cmp_ok($gaps[0], '>=', $least, "$name: not too early");
    cmp_ok($gaps[$#gaps / 2], '<=', $most, "$name: and not too late");
    return;
}

for my $workers (1, 4) {
    my $name = "refresh, $workers worker(s)";

    reset_para();
    my $nginx =
        key_gateway(workers => $workers, refresh => '500ms',
        cooldown => '200ms');
    wait_for_fetches(7);
    paced(0.4, 0.8, $name);

    my @requests = para_requests(JWKS);
    my $etag     = para_keys()->{etag};
    is($requests[0]{header}{'if-none-match'}, undef, "$name: all at first");
    is($requests[0]{status}, 200, "$name: and gets it");
    is(scalar(grep { $_->{header}{'if-none-match'} ne $etag }
                @requests[1 .. 6]),
        0, "$name: then only if it is new");
    is(scalar(grep { $_->{status} != 304 } @requests[1 .. 5]),
        0, "$name: which it is not");
    is_everywhere($nginx, fresh_jwt(), 200, "$name: and stays good");

    # A new set has a new tag, and is used without anybody asking for it.
    $etag = para_keys(rotate => 1)->{etag};
    says_once($nginx, qr/is new, with 3 keys/, "$name: a new set");
    my $n = fetches();
    wait_for_fetches($n + 2);
    is_everywhere($nginx, fresh_jwt(), 200, "$name: is used");
    is((para_requests(JWKS))[-1]{header}{'if-none-match'}, $etag,
        "$name: its tag too");
    is(scalar(said($nginx, qr/is new, with/)), 2, "$name: told once each");
    is(scalar(said($nginx, qr/\[error\]/)), 0, "$name: no error");
    is_healthy($nginx, $name);
    $nginx->stop;
    reset_para(keys => 1);
}

# The server may say that it is to be sooner, never that it is to be later.
for my $case (
    ['max-age=1',    '4s',    '300ms', 0.8,  1.8],
    ['max-age=0',    '4s',    '700ms', 0.55, 1.4],
    ['no-store',     '4s',    '700ms', 0.55, 1.4],
    ['max-age=3600', '700ms', '300ms', 0.55, 1.4],
    )
{
    my ($value, $refresh, $cooldown, $least, $most) = @$case;

    reset_para();
    para_keys(cache_control => $value);
    my $nginx = key_gateway(refresh => $refresh, cooldown => $cooldown);
    wait_for_fetches(4);
    paced($least, $most, "Cache-Control: $value");
    $nginx->stop;
}
reset_para();


# ---- A key that nobody knows -----------------------------------------------

{
    my $nginx = key_gateway(workers => 2, @QUIET);
    is_everywhere($nginx, $token, 200, 'unknown kid: before');
    reset_para();

    # What no fetch can help causes none.
    is(ask($nginx, own_jwt())->{status}, 401, 'no fetch: an unknown iss');
    is(ask($nginx, tamper($token))->{status}, 401, 'no fetch: a signature');
    is(ask($nginx, own_jwt(alg => 'HS256'))->{status}, 401,
        'no fetch: an algorithm');
    is(ask($nginx, fresh_jwt('bob', exp => int(time) - 60))->{status}, 401,
        'no fetch: expired');
    is(fetches(), 0, 'no fetch: indeed');

    # A new key signs, and forty requests come with it at once.
    para_keys(rotate => 1);
    my $new = fresh_jwt();
    fault(JWKS, 'slow', delay_ms => 400, times => 1);
    my $asked   = time;
    my @answers = burst($nginx->{spread}, texts($new, 40));
    cmp_ok(time - $asked, '<', 1.8,
        'unknown kid: both workers hear of it before they give up');
    is_deeply(statuses(@answers), {200 => 40}, 'unknown kid: they wait');
    is(fetches(), 1, 'unknown kid: for one fetch');
    is_everywhere($nginx, $new, 200, 'unknown kid: all know it now');
    is_everywhere($nginx, $token, 200, 'unknown kid: and the old one');

    # In the cooldown there is no other.
    my $begin = time;
    for (1 .. 3) {
        my @refused = ask_workers($nginx, unknown_jwt());
        is_deeply(statuses(@refused), {401 => 2}, 'cooldown: refused');
        is($refused[0]{header}{'x-status'}, 'token_invalid',
            'cooldown: as unknown');
    }
    para_keys(rotate => 1);
    is_everywhere($nginx, fresh_jwt(), 401, 'cooldown: a new key also');
    cmp_ok(time - $begin, '<', 4, 'cooldown: at once');
    is(fetches(), 1, 'cooldown: no fetch');

    is_healthy($nginx, 'unknown kid');
    $nginx->stop;
    reset_para(keys => 1);
}

# Ten thousand of them.
{
    my $nginx =
        key_gateway(workers => 2, refresh => '1h', cooldown => '500ms');
    is_everywhere($nginx, $token, 200, 'many kids: before');
    reset_para();

    my @sockets = map { connect_to($nginx->{spread}) } 1 .. 20;
    my $batch   = 50;
    my $begin   = time;
    my @answers;

    while (@answers < KIDS) {
        for my $socket (@sockets) {
            send_text(
                $socket,
                join '',
                map { request_text('/', headers => bearer(unknown_jwt())) }
                    1 .. $batch
            );
        }
        for my $socket (@sockets) {
            push @answers, map { read_answer($socket) } 1 .. $batch;
        }
        sleep 0.2;
    }

    my $took = time - $begin;
    is_deeply(statuses(@answers), {401 => KIDS}, 'many kids: all refused');
    cmp_ok(fetches(), '>=', 2, 'many kids: fetched now and then');
    cmp_ok(fetches(), '<=', 1 + int($took / 0.5),
        sprintf 'many kids: once in a cooldown, for %.1f s', $took);
    cmp_ok(scalar(keys %{{map { $_->{header}{'x-worker'} => 1 } @answers}}),
        '==', 2, 'many kids: of both workers');
    is_everywhere($nginx, fresh_jwt(), 200, 'many kids: others are served');
    is_healthy($nginx, 'many kids');
    $nginx->stop;
}

# The fetch fails: who can say then whether the key exists?
{
    my $nginx =
        key_gateway(workers => 2, refresh => '1h', cooldown => '3s');
    is_everywhere($nginx, $token, 200, 'failed fetch: before');
    reset_para();
    fault(JWKS, '500');

    my @answers = ask_workers($nginx, unknown_jwt());
    is_deeply(statuses(@answers), {503 => 2}, 'failed fetch: nobody knows');
    is(fetches(), 1, 'failed fetch: one for both');
    is($answers[0]{header}{'x-status'}, 'keys_unavailable',
        'failed fetch: which is said');
    like($answers[0]{header}{'retry-after'}, qr/\A[1-9]\d?\z/,
        'failed fetch: with a time');
    is_everywhere($nginx, fresh_jwt(), 200, 'failed fetch: others pass');

    fault(JWKS, 'off');
    becomes_everywhere($nginx, unknown_jwt(), 401,
        'failed fetch: and then it is known');
    is_healthy($nginx, 'failed fetch');
    $nginx->stop;
}

# Whether the sockets have something to be read.
sub readable {
    return grep {
        my $bits = '';
        vec($bits, fileno $_, 1) = 1;
        select $bits, undef, undef, 0;
    } @_;
}

# No more than so many wait, and who goes away makes room.
{
    my $nginx =
        key_gateway(workers => 1, refresh => '1h', cooldown => '100ms');
    is(ask($nginx, $token)->{status}, 200, 'waiters: before');

    # They wait for two seconds, and the fetch takes one and a half.
    my ($told, $over, $passed) = in_time(
        1.9,
        sub {
            my ($text) = @_;

            my @sockets =
                map { connect_to($nginx->{spread}) } 1 .. WAITERS + 40;
            send_text($_, $text) for @sockets;
            my $told = wait_until(1.2, sub { readable(@sockets) == 40 });

            my %over  = map { $_ => 1 } readable(@sockets);
            my @first = map { read_answer($_) } grep { $over{$_} } @sockets;

            my @waiting = grep { !$over{$_} } @sockets;
            my @gone    = splice @waiting, 10, 30;
            $_ % 2 ? close $gone[$_] : abort_connection($gone[$_])
                for 0 .. $#gone;
            sleep 0.1;
            my @late = map { connect_to($nginx->{spread}) } 1 .. 30;
            send_text($_, $text) for @late;

            return ($told, statuses(@first),
                statuses(map { read_answer($_) } @waiting, @late));
        },
        sub {
            para_keys(rotate => 1);
            my $text = request_text('/', headers => bearer(fresh_jwt()));
            reset_para();
            fault(JWKS, 'slow', delay_ms => 1500, times => 1);
            sleep 0.2;
            return $text;
        }
    );
    ok($told, 'waiters: those who are too many are told at once');
    is_deeply($over, {503 => 40}, 'waiters: they may come back');
    is_deeply($passed, {200 => WAITERS},
        'waiters: the others pass, and who came later');
    is(fetches(), 1, 'waiters: of one fetch');

    # All go away; the fetch ends without them.
    my $keys = @{para_keys(rotate => 1)->{published}};
    fault(JWKS, 'slow', delay_ms => 700, times => 1);
    my $new     = fresh_jwt();
    my @waiting = map { connect_to($nginx->{spread}) } 1 .. 20;
    send_text($_, request_text('/', headers => bearer($new))) for @waiting;
    wait_for_fetches(2);
    abort_connection($_) for @waiting;
    says_once($nginx, qr/is new, with $keys keys/, 'waiters: all gone');
    is(ask($nginx, $new)->{status}, 200, 'waiters: the next one passes');

    # They wait when nginx is told to quit: they are answered before it goes.
    para_keys(rotate => 1);
    fault(JWKS, 'slow', delay_ms => 900, times => 1);
    $new     = fresh_jwt();
    @waiting = map { connect_to($nginx->{spread}) } 1 .. 20;
    send_text($_, request_text('/', headers => bearer($new))) for @waiting;
    wait_for_fetches(3);
    sleep 0.3;
    abort_connection($_) for splice @waiting, 0, 5;
    $nginx->{process}->signal('QUIT');
    is_deeply(statuses(map { read_answer($_) } @waiting),
        {200 => 15}, 'waiters: served although nginx is to quit');
    ok(wait_until(5, sub { !$nginx->is_running }), 'waiters: and it quits');
    is_healthy($nginx, 'waiters');
    reset_para(keys => 1);
}


# ---- A fetch that comes to nothing ------------------------------------------

says_once($in_vain, qr/\[error\].*cannot be fetched \(timeout, status 0\)/,
    'in vain: it ends');
is_everywhere($in_vain, $token, 503, 'in vain: there are no keys');
is_healthy($in_vain, 'in vain');

done_testing();
