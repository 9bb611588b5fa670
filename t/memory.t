#!/usr/bin/perl

# Memory that runs out in a worker, at every allocation of a request in turn,
# once that one alone, once that one and all after it: nobody comes in who must
# not, nobody as somebody else, nothing breaks and nothing is lost.  What is
# told of it, in JSON and in the trace, is whole or is not there.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use JSON::PP    ();
use Time::HiRes qw(time);

use constant {
    NUMBERS => 6,
    WORD    => 8,
    NEVER   => -1,
    MOST    => 4000,        # allocations of a request
    SOME    => 50,
    SLOW    => 8,           # s, nobody is left to wait
    AGAIN   => 4,
};

my $JSON = JSON::PP->new->utf8->canonical;


# ---- Allocations -----------------------------------------------------------

my $file = put_file('alloc', "\0" x (NUMBERS * WORD), oct '0666');
my $shim = "$PARA_DIR/fail_alloc.so";

system(qw(cc -shared -fPIC -O1 -Wall -Werror -o),
    $shim, "$FindBin::Bin/helpers/fail_alloc.c") == 0
    or die "fail_alloc.c does not compile\n";

sub numbers {
    open my $in, '<:raw', $file or die "$file: $!\n";
    read $in, my $bytes, NUMBERS * WORD;
    my %number;
    @number{qw(pid lasting left failed made live)} = unpack 'q*', $bytes;
    return \%number;
}

sub set_numbers {
    my ($at, @values) = @_;
    open my $out, '+<:raw', $file or die "$file: $!\n";
    seek $out, $at * WORD, 0;
    syswrite $out, pack 'q*', @values;
    return;
}

# The process is watched already: its allocations are to fail after so many.
sub fail_after {
    my ($left, $lasting) = @_;
    set_numbers(2, NEVER, 0);
    set_numbers(1, $lasting, $left);
    return;
}

# How many have failed; from now on they succeed.
sub recover {
    set_numbers(2, NEVER);
    return numbers()->{failed};
}


# ---- The gateway -----------------------------------------------------------

my $LOG = "$PARA_DIR/traces.log";

my $first  = free_ports();
my $second = $first + 1;

my $server = <<"CONF" . verify_location() . touch_location();
        access_log $LOG trace if=\$arg_n;
        para_auth_error_format json;
        para_auth_explain on;

        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /both { para_auth app; proxy_pass $APP_URL; }
        location /exported { para_auth app; proxy_pass $APP_URL; }
CONF

# Small pools: nearly each allocation of nginx's is one of its own.  Of what
# still fits in with another, in the second server other things do.
my $http = http_config(
    provider => "public_key $PARA_PUBLIC_KEY;",
    http     => <<"CONF");
    log_format trace escape=none '\$arg_n \$status \$para_auth_trace';
    connection_pool_size 256;
    request_pool_size 128;
    server {
        listen 127.0.0.1:$second;
        request_pool_size 160;
$server
    }
CONF

my $nginx = do {
    local @ENV{qw(LD_PRELOAD PARA_ALLOC_FILE)} = ($shim, $file);
    start_nginx(
        port   => $first,
        http   => $http,
        server => $server,
        main   => "env LD_PRELOAD;\nenv PARA_ALLOC_FILE;",
    );
};
my ($worker) = workers_of($nginx);

set_numbers(0, $worker, 0, NEVER, 0, 0, 0);


# ---- Requests --------------------------------------------------------------

my $n    = 0;
my $port = $first;

# One request; its status is 0 if there was no memory even for an answer.
sub ask {
    my ($path, $headers) = @_;

    my $began  = time;
    my $answer = get($port, "$path?n=" . ++$n, $headers);

    return {
        %$answer,
        status => $answer->{status} // 0,
        n      => $n,
        took   => time - $began,
        type   => $answer->{header}{'content-type'} // ''
    };
}

# Credentials for a location that nobody has seen: one user after the other.
sub credentials_of {
    my ($path, $user, $is_bad) = @_;

    my $login = login($user);
    my $jwt   = para_jwt($login, jti => 'jwt-' . ++$n);

    return join "\n", bearer($is_bad ? tamper($jwt) : $jwt),
        $path eq '/exported'
        ? "X-Para-Session: $login->{exportedSession}"
        : credentials($login, 'session');
}

# What the app is told of a user.
my %told = map {
    my $answer = ask('/both', credentials_of('/both', $_));
    is($answer->{status}, 200, "$_ is let in");
    $_ => $JSON->encode($answer->{json}{para});
} qw(alice bob);

isnt($told{alice}, $told{bob}, 'each as who it is');

# What is wrong with an answer, when memory ran out; undef: nothing.
sub wrong {
    my ($answer, $user, $is_bad) = @_;
    my $status = $answer->{status};

    return 'it took too long' if $answer->{took} > SLOW;

    if ($answer->{type} =~ /problem/) {
        my $problem = eval { $JSON->decode($answer->{body}) }
            // return "no JSON: $answer->{body}";
        return "not its status: $answer->{body}"
            if $problem->{status} != $status;
    }

    return if $status == 0 || $status >= 500;
    return if $status == 401 && $is_bad;
    return "status $status" if $status != 200 || $is_bad;

    my $told = $JSON->encode($answer->{json}{para});
    return $told eq $told{$user} ? undef : "$user as $told";
}

sub live { return numbers()->{live} }

# What a request had is given back when its connections are closed.
sub settled {
    my ($before) = @_;
    wait_until(1, sub { live() <= $before });
    return live();
}

# One request that runs out of memory after so many allocations.
sub try_once {
    my ($path, $left, $lasting, $user, $is_bad) = @_;

    my $headers = credentials_of($path, $user, $is_bad);
    my $before  = live();

    fail_after($left, $lasting);
    my $answer = ask($path, $headers);
    $answer->{failed} = recover();
    $answer->{lost}   = settled($before) > $before;

    return $answer;
}


# ---- Each allocation in turn -----------------------------------------------

my @answers;

for my $case (
    [$first,  '/jwt',  'good',     0],
    [$first,  '/jwt',  'good',     1],
    [$first,  '/both', 'good',     0],
    [$first,  '/both', 'good',     1],
    [$second, '/both', 'good',     0],
    [$first,  '/exported', 'good', 0],
    [$first,  '/exported', 'good', 1],
    [$first,  '/jwt',  'tampered', 0],
    [$first,  '/both', 'tampered', 1],
    )
{
    ($port, my ($path, $kind, $lasting)) = @$case;
    my $name = "$path, $kind, " . ($lasting ? 'from then on' : 'once')
        . ($port == $second ? ', other pools' : '');
    my $is_bad = $kind eq 'tampered';
    my (@wrong, @lost, @broken, $last);

    reset_app() if $is_bad;

    for my $left (0 .. MOST) {
        my $user = $left % 2 ? 'alice' : 'bob';
        $last = try_once($path, $left, $lasting, $user, $is_bad);

        my $wrong = wrong($last, $user, $is_bad);
        push @wrong, "after $left: $wrong" if defined $wrong;

        # what is only kept for the next is kept once
        my $again = defined $wrong ? 0 : AGAIN;
        $again-- while $again && $last->{lost}
            && try_once($path, $left, $lasting, $user, $is_bad)->{lost};
        push @lost, $left if !$again && !defined $wrong;

        push @answers, $last if !$lasting && !$is_bad;
        last if !$last->{failed};
        next if $is_bad;

        # the next one is as if nothing had been
        push @broken, $left
            if ask($path, credentials_of($path, $user))->{status} != 200;
    }

    is_deeply(\@wrong, [], "$name: nobody is let in who must not be");
    is_deeply(\@lost,  [], "$name: nothing is lost");
    is_deeply(\@broken, [], "$name: the next is let in");
    is($last->{failed}, 0, "$name: at last there was enough");
    is($last->{status}, $is_bad ? 401 : 200, "$name: and all was well");
    is(app_count(), 0, "$name: nothing at the app") if $is_bad;
}

cmp_ok(scalar @answers, '>', SOME, 'there were many to fail');


# ---- What was told ---------------------------------------------------------

{
    my @told = grep { $_->{status} == 500 && $_->{type} =~ /problem/ }
        @answers;
    my %body = map { $_->{body} => 1 } @told;

    cmp_ok(scalar @told, '>', SOME, '500: in JSON');
    is_deeply([keys %body],
        [   '{"type":"about:blank","title":"Internal Server Error",'
                . '"status":500,"code":"internal_error"}' . "\n"
        ],
        '500: what it says'
    );
    is_deeply(
        [   grep {
                $_->{type} ne 'application/problem+json'
                    || $_->{header}{'cache-control'} ne 'no-store'
                    || $_->{header}{'www-authenticate'}
            } @told
        ],
        [], '500: as what, for nobody to keep, and without a challenge'
    );
}

{
    # written when the client has its answer already
    my (%trace, $text);
    my ($end) = map { $_->{n} } $answers[-1];
    wait_until(
        5,
        sub {
            open my $in, '<', $LOG or return 0;
            local $/;
            $text = <$in>;
            return $text =~ /^$end /m;
        }
    );
    for my $line (split /\n/, $text) {
        my ($number, $trace) = $line =~ /\A(\d+) \d+ (.*)\z/ or next;
        $trace{$number} = $trace;
    }

    my ($whole, $none, @bad) = (0, 0);
    for my $answer (@answers) {
        my $trace = $trace{$answer->{n}} // next;
        if ($trace !~ /\A\{/) {
            $none++ if $answer->{status} == 200;
            push @bad, $trace if $trace ne '' && $trace ne '-';
            next;
        }
        my $told = eval { $JSON->decode($trace) };
        $told && ($told->{decision} eq 'granted' || !exists $told->{user_id})
            ? $whole++ : push @bad, $trace;
    }

    is_deeply(\@bad, [], 'traces: whole, and of nobody who is refused');
    cmp_ok($whole, '>', SOME, 'traces: many');
    cmp_ok($none, '>=', 2, 'traces: who is let in without one is let in');
}

is(join(',', workers_of($nginx)), $worker, 'the worker is still the same');
unlike($nginx->error_log, qr/\[alert\]|exited on signal/, 'nothing broke');

done_testing();
