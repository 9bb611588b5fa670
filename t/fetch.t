#!/usr/bin/perl

# How key sets come: by TLS from whom they should, whatever becomes of the
# connection or the lookup of a name, and with nobody else kept waiting.
#
# PARA_PROBE_SECONDS is how long the event loop is watched with each fault (3).

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaKeys;
use ParaTls;
use Test::More;

use IO::Select  ();
use List::Util  qw(sum0);
use Time::HiRes qw(sleep time);

use constant {
    SECONDS  => $ENV{PARA_PROBE_SECONDS} || 3,
    TICK     => 0.005,
    LATE     => 10,                            # ms
    LOOK     => 51,                            # probes
    SOON     => 6,                             # a fetch may take 10 s
    TRIES    => 4,
    PATIENCE => 20,
};

sub compile {
    my ($name) = @_;
    system('gcc', '-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o',
        "$PARA_DIR/$name.so", "$FindBin::Bin/helpers/$name.c") == 0
        or die "$name.c does not compile\n";
    return "$PARA_DIR/$name.so";
}

# AddressSanitizer, where nginx has it, insists on being the first.
my ($asan) = `ldd $ENV{TEST_NGINX_BINARY}` =~ m{=> (/\S*/libasan\S*)};

my $slow_dns  = compile('slow_dns');
my $late_exit = compile('late_exit');
my $serial    = 0;

make_certificates();
make_certificate('dns', 'trusted', 'DNS:para.slow.test', 2);


# ---- Gateways --------------------------------------------------------------

sub set_url {
    my ($port, $name, $host) = @_;
    $host //= 'localhost';
    return "https://$host:$port" . JWKS . "?$name";
}

sub dns_answer {
    my ($nginx, $text) = @_;
    put_file("$nginx->{dns}.new", "$text\n");
    rename "$PARA_DIR/$nginx->{dns}.new", "$PARA_DIR/$nginx->{dns}" or die $!;
    return;
}

# Options: sets (name => URL), trust (name of the CA, "" for the system's),
# refresh, cooldown, env (a hash), preload (a list), dns (what slow_dns is to
# answer), workers, main, events, lines (of the provider), http.
sub gateway {
    my (%options) = @_;

    my $trust = $options{trust} // 'trusted';
    my %env   = %{$options{env} // {}};
    my $dns   = 'dns-' . ++$serial;

    my @preload = @{$options{preload} // []};
    push @preload, $slow_dns if defined $options{dns};
    if (@preload) {
        $env{LD_PRELOAD}    = join ':', grep {defined} $asan, @preload;
        $env{PARA_DNS_FILE} = "$PARA_DIR/$dns";
        dns_answer({dns => $dns}, $options{dns} // '0 none');
    }

    local @ENV{keys %env} = values %env;

    my $lines = key_lines(
        refresh  => $options{refresh}  // '200ms',
        cooldown => $options{cooldown} // '100ms',
        lines    => [$trust
            ? "jwks_trusted_certificate $PARA_DIR/$trust.crt" : ()],
    );
    for my $name (sort keys %{$options{sets}}) {
        $lines .= <<"CONF";
        issuer $name {
            jwks_uri $options{sets}{$name};
            algorithms RS256;
            iss https://$name.example;
            audience app;
        }
CONF
    }

    my $nginx = start_nginx(
        workers => $options{workers} // 1,
        main    => join("\n", (map {"env $_;"} sort keys %env),
            $options{main} // ''),
        events => $options{events} // 'worker_connections 256;',
        http   => http_config(provider => $lines),
        server => <<"CONF",
        keepalive_requests 1000000;
        location = /probe { return 204; }
        location = /metrics { para_auth_metrics; }
        location = /app { proxy_pass $APP_URL; }
CONF
    );
    $nginx->{dns} = $dns;

    return $nginx;
}

# How often the fetches of a port's sets ended so.
sub count_of {
    my ($nginx, $port, $outcome) = @_;

    my $json = get($nginx->{port}, '/metrics?format=json')->{json}
        or die "no metrics\n";
    return sum0 map { $_->{value} }
        grep { $_->{labels}{outcome} eq $outcome
            && $_->{labels}{url} =~ m{:$port/} }
        @{$json->{para_auth_keys_fetches_total}{samples}};
}

sub becomes_counted {
    my ($nginx, $port, $outcome, $n, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(
        wait_until(PATIENCE,
            sub { count_of($nginx, $port, $outcome) >= $n }),
        $name
    ) || diag($nginx->error_log);
}

sub answers {
    my ($nginx, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(get($nginx->{port}, '/probe')->{status}, 204, $name);
}

# The log lines that tell of the sets of a port, and not of good ones.
sub faults_said {
    my ($nginx, $port) = @_;
    return said($nginx, qr/\[error\].*:$port\//);
}

# The remote ports that a process has connections to, or asks for one.
sub remote_ports {
    my ($pid) = @_;

    my %inode;
    for my $link (glob "/proc/$pid/fd/*") {
        my $to = readlink $link // next;
        $inode{$1} = 1 if $to =~ /\Asocket:\[(\d+)\]\z/;
    }

    open my $in, '<', "/proc/$pid/net/tcp" or return;
    my @rows = map { [split] } grep {/^\s*\d+:/} <$in>;

    return map { hex((split /:/, $_->[2])[1]) }
        grep { $inode{$_->[9]} } @rows;
}

# Whether a worker is in a fetch from this port; without one, in a lookup.
sub is_fetching {
    my ($nginx, $port) = @_;

    for my $pid (serving($nginx)) {
        return 1
            if $port ? grep { $_ == $port } remote_ports($pid)
            : (() = glob "/proc/$pid/task/*") > 1;
    }

    return 0;
}


# ---- What takes its time, while all the rest goes on -----------------------

# Para three times more: for what is refused, hangs, and comes byte by byte.
my ($para, $hung, $drip) = map { second_para() } 1 .. 3;
my %port = (
    hang    => tls_port('good', para => $hung),
    trickle => tls_port('good', para => $drip),
    accept  => black_hole_port('accept'),
    connect => black_hole_port('connect'),
    dns     => tls_port('dns'),
);
$hung->fault('*', 'hang');
$drip->fault('*', 'trickle_head');

my $slow = gateway(sets =>
        {map { $_ => set_url($port{$_}, $_) } qw(hang trickle accept connect)});

my $never = gateway(
    sets => {never => set_url($port{dns}, 'never', 'para.slow.test')},
    dns  => '-1 none',
);

# Of two addresses, the first is silent.
my $two = do {
    my $dead = IO::Socket::INET->new(
        LocalAddr => '127.0.0.2',
        LocalPort => $port{dns},
        Listen    => 1
    ) or die "cannot listen: $@";
    my @full = map {
        IO::Socket::INET->new(PeerAddr => '127.0.0.2',
            PeerPort => $port{dns}, Timeout => 0.2)
    } 1 .. 3;

    my $nginx = gateway(
        sets => {two => set_url($port{dns}, 'two', 'para.slow.test')},
        dns  => '0 127.0.0.2,127.0.0.1',
    );
    $nginx->{dead} = [$dead, @full];
    $nginx;
};


# ---- Who answers -----------------------------------------------------------

# An nginx before that Para with each of the certificates, and where it is with
# which; for "system" it is the good one.
sub impostor {
    my @names = @_;

    # It is none of the module's business.
    local $ENV{TEST_NGINX_LOAD_MODULES} = '';

    my $port = free_ports();
    my %at   = map { $names[$_] => $port + 1 + $_ } 0 .. $#names;

    my $http = '';
    for my $name (@names) {
        my $file = $name eq 'system' ? 'good' : $name;
        $http .= <<"CONF";
    server {
        listen 127.0.0.1:$at{$name} ssl;
        ssl_certificate $PARA_DIR/$file.crt;
        ssl_certificate_key $PARA_DIR/$file.key;
        location / { proxy_pass http://127.0.0.1:@{[$para->emulator_port]}; }
    }
CONF
    }

    return (start_nginx(port => $port, http => $http), %at);
}

{
    my %BAD = (
        name     => qr/subject name/,
        expired  => qr/certificate has expired/,
        stranger => qr/unable to get local issuer certificate/,
        self     => qr/self.signed certificate/,
        system   => qr/unable to get local issuer certificate/,
    );

    my ($front, %at) = impostor(sort keys %BAD);
    my $good = tls_port('good');

    my $nginx = gateway(sets => {
        good => set_url($good, 'good'),
        map { $_ => set_url($at{$_}, $_) } qw(name expired stranger self)
    });

    # Nor does the environment say whom to trust.
    my $system = gateway(
        trust => '',
        sets  => {system => set_url($at{system}, 'system')},
        env   => {map { $_ => "$PARA_DIR/trusted.crt" }
                qw(SSL_CERT_FILE CURL_CA_BUNDLE)},
    );

    says_once($nginx, qr/\[notice\].*:$good\/.* is new, with 2 keys/,
        'tls: our own CA');
    is((para_requests(JWKS))[0]{tls}{server_name}, 'localhost',
        'tls: the server is told its name');
    like((para_requests(JWKS))[0]{tls}{version}, qr/\ATLSv1_[23]\z/,
        'tls: in current TLS');

    for my $name (sort keys %BAD) {
        my $where = $name eq 'system' ? $system : $nginx;
        becomes_counted($where, $at{$name}, 'tls', 3,
            "tls, $name: refused, again and again");
        my @said = faults_said($where, $at{$name});
        is(scalar @said, 1, "tls, $name: told once");
        like($said[0], qr/cannot be fetched \(tls, status 0\): .*$BAD{$name}/,
            "tls, $name: with the cause");
    }
    is($para->calls->{total}, 0, 'tls: nobody else was asked for anything');
    is(scalar(said($nginx, qr/\[error\].*:$good\//)), 0,
        'tls: the good one is well all the time');

    for my $name (qw(name expired stranger self)) {
        rewrite_conf($front, sub {s{/$name\.(crt|key);}{/good.$1;}g});
        $front->reload;
        says_once($nginx, qr/\[notice\].*:$at{$name}\/.* is fetched again/,
            "tls, $name: with a good certificate all is well");
    }
    cmp_ok(fetches($para), '>=', 4, 'tls: now they are asked');

    is_healthy($_, 'tls') for $nginx, $system;
    $_->stop for $nginx, $system, $front;
}


# ---- What is asked, and of whom --------------------------------------------

{
    reset_para();
    my $etag  = para_keys()->{etag};
    my $body  = get($PARA_PORT, JWKS)->{body};
    my $https = tls_port('good');
    my $http  = para_listen();
    my $front = tls_front('good');
    my $proxy = black_hole_port();

    reset_para();
    fault(JWKS, 'answer', times => 3, body => $body, headers =>
            {'Set-Cookie' => 'session=1; Path=/', ETag => $etag,
            'Alt-Svc' => "h2=\":$proxy\"; ma=3600"});

    delete local @ENV{qw(no_proxy NO_PROXY)};
    my $nginx = gateway(
        sets => {
            https => set_url($https, 'https'),
            front => set_url($front, 'front'),
            http  => "http://127.0.0.1:$http" . JWKS . '?http',
        },
        env => {
            HOME => '/root',
            map { $_ => "http://127.0.0.1:$proxy" }
                qw(http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY)
        },
    );

    for my $port ($https, $http, $front) {
        says_once($nginx, qr/\[notice\].*:$port\/.* is new, with 2 keys/,
            'request: the environment names a proxy in vain');
        becomes_counted($nginx, $port, 'unchanged', 2, 'request: and again');
    }
    is(scalar(said($nginx, qr/\[error\]/)), 0, 'request: nothing failed');
    is_healthy($nginx, 'request');
    $nginx->stop;

    my @requests = para_requests(JWKS);
    my @fronted  = grep { $_->{header}{'x-protocol'} } @requests;
    my @direct   = grep { !$_->{header}{'x-protocol'} } @requests;

    cmp_ok(scalar @fronted, '>=', 3, 'request: some to a server with HTTP/2');
    is(scalar(grep { $_->{header}{'x-protocol'} ne 'HTTP/1.1' } @fronted),
        0, 'request: by HTTP/1.1, as all');

    my (%shape, %host);
    for my $request (@direct) {
        my %header = %{$request->{header}};
        $host{delete $header{host} // 'none'} = 1;
        my $condition = delete $header{'if-none-match'} // '';
        $shape{join "\n", $request->{method}, $request->{http_version},
            map({"$_: $header{$_}"} sort keys %header),
            $condition}++;
    }
    my $shape = join "\n", 'GET', '1.1',
        'accept: application/jwk-set+json, application/json;q=0.9, */*;q=0.1',
        'user-agent: nginx-para-auth', '';
    is_deeply([sort keys %shape], [$shape, "$shape$etag"],
        'request: it says what it must, no cookie and nothing else')
        || diag(explain(\%shape));
    is($shape{$shape}, 2, 'request: at first without a condition');
    is_deeply(\%host, {"localhost:$https" => 1, "127.0.0.1:$http" => 1},
        'request: to whom it belongs');

    para_unlisten($_) for $https, $http;
}


# ---- Answers that are none -------------------------------------------------

{
    reset_para();
    $para->reset_emulator;
    my $port  = tls_port('good', para => $para);
    my $nginx = gateway(sets => {set => set_url($port, 'set')});
    says_once($nginx, qr/ is new, with 2 keys/, 'faults: first a good one');

    my $elsewhere = "http://127.0.0.1:$PARA_PORT/elsewhere";
    my @FAULTS = (
        ['reset',    'broken'],
        ['close',    'broken'],
        ['garbage',  'broken'],
        ['truncated',         'broken'],
        ['truncated_chunked', 'broken'],
        ['huge_header', 'size', size => 20_000],
        ['endless',     'size'],
        ['redirect',    'redirect'],
        ['redirect',    'redirect', location => $elsewhere, status => 302],
        ['redirect',    'redirect', location => $elsewhere, status => 301],
        ['503',         'status'],
        ['answer',      'status',   status => 206],
    );

    my $n = 0;
    for my $fault (@FAULTS) {
        my ($mode, $outcome, %options) = @$fault;
        my $name = join ' ', 'faults:', $mode, %options;
        my $seen = said($nginx, qr/is fetched again/);
        my $was  = count_of($nginx, $port, $outcome);

        $para->fault(JWKS, $mode, %options);
        becomes_counted($nginx, $port, $outcome, $was + 2, "$name: $outcome");
        my @said = faults_said($nginx, $port);
        is(scalar @said, ++$n, "$name: told once")
            || diag(join "\n", @said);
        like($said[-1], qr/\($outcome, status \d+\): .*; the last good one/,
            "$name: with the cause");
        answers($nginx, "$name: nginx goes on");

        $para->fault(JWKS, 'off');
        ok(wait_until(PATIENCE,
                sub { said($nginx, qr/is fetched again/) > $seen }),
            "$name: and then it is well");
    }

    is($para->calls->{paths}{'/redirected'}, undef,
        'faults: no redirect was followed');
    is(para_calls('/elsewhere'), 0, 'faults: to nobody');

    # libcurl has a bound of its own for a line, and other words for it.
    $para->fault(JWKS, 'huge_header');
    ok( wait_until(
            PATIENCE,
            sub {
                2 <= sum0 map { count_of($nginx, $port, $_) } qw(size memory);
            }
        ),
        'faults: a line of half a megabyte is not taken'
    );
    answers($nginx, 'faults: nginx goes on after it');

    is_healthy($nginx, 'faults');
    $nginx->stop;
    $para->reset_emulator(keys => 1);
}


# ---- Names -----------------------------------------------------------------

{
    my $nginx = gateway(
        sets => {set => set_url($port{dns}, 'set', 'para.slow.test')},
        dns  => '0 none',
    );
    becomes_counted($nginx, $port{dns}, 'dns', 3, 'dns: no such name');
    my @said = faults_said($nginx, $port{dns});
    is(scalar @said, 1, 'dns: told once');
    like($said[0], qr/cannot be fetched \(dns, status 0\): .*para\.slow\.test/,
        'dns: with the name');

    dns_answer($nginx, '700 127.0.0.1');
    answers($nginx, 'dns: nginx goes on');
    says_once($nginx, qr/is fetched again/, 'dns: slow, but there');
    becomes_counted($nginx, $port{dns}, 'changed', 1, 'dns: with keys');

    # Nobody is at the first address.
    dns_answer($nginx, '0 127.0.0.9,127.0.0.1');
    sleep 0.8;
    my $n = count_of($nginx, $port{dns}, 'unchanged');
    becomes_counted($nginx, $port{dns}, 'unchanged', $n + 3,
        'dns: the next address is tried');
    is(count_of($nginx, $port{dns}, 'connect'), 0, 'dns: at once');
    is(scalar(faults_said($nginx, $port{dns})), 1, 'dns: nothing failed');

    dns_answer($nginx, '0 127.0.0.9,127.0.0.8');
    becomes_counted($nginx, $port{dns}, 'connect', 2,
        'dns: nobody is at any of them');
    is_healthy($nginx, 'dns');
    $nginx->stop;
}


# ---- What took its time ----------------------------------------------------

for my $name (qw(hang trickle accept connect)) {
    becomes_counted($slow, $port{$name}, 'timeout', 1, "timeout: $name");
    my @said = faults_said($slow, $port{$name});
    is(scalar @said, 1, "timeout: $name, told once");
    like($said[0], qr/cannot be fetched \(timeout, status 0\): .*time/i,
        "timeout: $name, with the cause");
}
answers($slow, 'timeout: nginx goes on');

becomes_counted($never, $port{dns}, 'timeout', 1, 'timeout: a name');
like((faults_said($never, $port{dns}))[0],
    qr/cannot be fetched \(timeout, status 0\): .*time/i,
    'timeout: a name, with the cause');
answers($never, 'timeout: nginx goes on without a name');

# libcurl 7.88 gives the first address half of the time that is left.
becomes_counted($two, $port{dns}, 'changed', 1,
    'another address: tried when the first is silent');
is(scalar(faults_said($two, $port{dns})), 0, 'another address: in time');

$_->fault('*', 'off') for $hung, $drip;
for my $nginx ($slow, $never, $two) {
    is_healthy($nginx, 'timeout');
    $nginx->stop;
}


# ---- The event loop --------------------------------------------------------

sub probe {
    my ($socket) = @_;

    my $begin = time;
    syswrite $socket, "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n";
    my $answer = '';
    while ($answer !~ /\r\n\r\n\z/) {
        IO::Select->new($socket)->can_read(PATIENCE) or return PATIENCE * 1000;
        sysread $socket, $answer, 4096, length $answer
            or die "the connection is closed\n";
    }

    return 1000 * (time - $begin);
}

# Probes each nginx every 5 ms, and another function now and then; the times
# in ms, of each its own list.
sub probe_all {
    my ($seconds, $then, @nginx) = @_;

    my @sockets = map { connect_to($_->{port}) } @nginx;
    my @times   = map { [] } @nginx;
    my $begin   = time;
    my $next    = $begin;

    for (my $n = 0; time - $begin < $seconds; $n++) {
        for my $i ($n % 2 ? reverse 0 .. $#nginx : 0 .. $#nginx) {
            push @{$times[$i]}, probe($sockets[$i]);
        }

        # Whoever comes first after that would be the one to pay for it.
        if ($n % LOOK == LOOK - 1) {
            $then->();
            probe($_) for @sockets;
            sleep TICK;
            $next = time;
        }

        $next += TICK;
        my $left = $next - time;
        $left > 0 ? sleep $left : ($next = time);
    }

    return @times;
}

sub figures {
    my ($times) = @_;
    my @sorted = sort { $a <=> $b } @$times;
    return {
        n      => scalar @sorted,
        median => $sorted[$#sorted / 2],
        p99    => $sorted[$#sorted * 0.99],
        max    => $sorted[-1],
        late   => scalar(grep { $_ > LATE } @sorted),
    };
}

sub figures_text {
    my ($figures) = @_;
    return sprintf '%d probes, median %.2f ms, p99 %.2f ms, max %.1f ms, '
        . '%d > %d ms', @$figures{qw(n median p99 max late)}, LATE;
}

# By a process that has no more to do than the other.
sub is_as_quick {
    my ($one, $other) = @_;
    return $one->{late} <= $other->{late} + 2 + 2 * sqrt $other->{late}
        && $one->{median} <= 1.5 * $other->{median} + 0.3;
}

# Options: the file to write to.  Undef if it may not be, with the reason.
sub start_strace {
    my ($pid, $file) = @_;

    my $process = eval {
        ParaDemo::Process->start(
            name    => 'strace',
            log     => "$file.log",
            command => [qw(strace -f -T -e signal=none -o), $file, '-p', $pid],
        );
    } or return;

    my $traced = wait_until(5, sub {
        !$process->is_running || slurp("/proc/$pid/status")
            =~ /^TracerPid:\s+[1-9]/m;
    });

    return $process if $traced && $process->is_running;

    (my $why = $process->output) =~ s/\n.*//s;
    return (undef, $why);
}

# What waits for nobody is only long when the machine is busy.
my %NO_WAIT = map { $_ => 1 } qw(rt_sigprocmask getpid gettid getsockname
    getpeername getsockopt setsockopt fcntl brk mmap munmap mprotect madvise
    epoll_ctl epoll_wait clone clone3 socket socketpair);

# The waits of the one thread: what was long, or is not to be done at all.
sub waits_of {
    my ($pid, $file) = @_;

    my (%open, @long, %count);

    for my $line (split /\n/, slurp($file)) {
        $line =~ s/\A$pid +// or next;

        if ($line =~ s/ <unfinished \.\.\.>\z//) {
            $open{call} = $line;
            next;
        }
        $line =~ s/\A<\.\.\. \w+ resumed>/(delete $open{call} || '') . ' '/e;

        my ($call, $took) = $line =~ /\A(\w+)\(.*<([\d.]+)>\z/ or next;
        $count{$call}++;
        next if $NO_WAIT{$call};

        push @long, $line
            if $took * 1000 > LATE
            || $call =~ /\A(?:clock_)?nanosleep\z|\Ap?select6?\z/
            || ($call eq 'poll' && $line !~ /, 0\) += /)
            || ($call eq 'connect' && $line =~ /AF_UNIX/)
            || $line =~ m{"/etc/(?:hosts|resolv\.conf|nsswitch\.conf)"};
    }

    return (\@long, \%count);
}

my $control = gateway(sets => {}, dns => '0 none');

# What to do for a fault to be there, and for it to be gone.
my %FAULT = (
    hang => {
        on   => sub { $hung->fault('*', 'hang') },
        off  => sub { $hung->fault('*', 'off') },
        port => $port{hang},
    },
    trickle => {
        on   => sub { $drip->fault('*', 'trickle_head', delay_ms => 1000) },
        off  => sub { $drip->fault('*', 'off') },
        port => $port{trickle},
    },
    reset => {
        on   => sub { $para->fault('*', 'reset') },
        off  => sub { $para->fault('*', 'off') },
        port => tls_port('good', para => $para),
        many => 1,
    },
    connect => {
        on  => sub { dns_answer($_, '0 127.0.0.2') for @_ },
        off  => sub { },
        dns  => 1,
    },
    dns => {
        on  => sub { dns_answer($_, '-1 none') for @_ },
        off => sub { },
        dns => 1,
    },
);

sub watched {
    my ($fault) = @_;

    return gateway(
        sets => {
            map {
                $_ => $fault->{dns}
                    ? set_url($port{dns}, $_, 'para.slow.test')
                    : set_url($fault->{port}, $_)
            } qw(one two)
        },
        dns => '0 127.0.0.1',
    );
}

sub watch_loop {
    my ($kind) = @_;

    my $fault  = $FAULT{$kind};
    my $probed = watched($fault);
    my $traced = watched($fault);

    wait_until(PATIENCE, sub { said($_, qr/is new, with/) == 2 })
        or die "$kind: no keys\n"
        for $probed, $traced;

    my ($worker) = serving($traced);
    my $file = "$PARA_DIR/strace-" . ++$serial;
    my ($strace, $why) = start_strace($worker, $file);

    my $socket = connect_to($traced->{port});

    $fault->{on}->($probed, $traced);
    my ($busy, $idle) = (0, 0);

    my @times = probe_all(
        SECONDS,
        sub {
            probe($socket);
            is_fetching($probed, $fault->{dns} && $kind eq 'dns' ? undef
                    : $fault->{port} // $port{dns}) ? $busy++ : $idle++;
        },
        $probed, $control
    );
    my %result = (
        probed  => figures($times[0]),
        control => figures($times[1]),
        busy    => $busy,
        idle    => $idle,
    );

    if ($strace) {
        $strace->signal('INT');
        wait_until(5, sub { !$strace->is_running });
        ($result{long}, $result{calls}) = waits_of($worker, $file);
    }
    else { $result{why} = $why }

    if ($fault->{many}) {
        $result{broken} = count_of($probed, $fault->{port}, 'broken');
    }

    $fault->{off}->($probed, $traced);
    is_healthy($_, "loop, $kind") for $probed, $traced;
    $_->stop for $probed, $traced;

    return \%result;
}

# Where a fetch begins: one that is long may have begun before.
sub is_seen {
    my ($calls) = @_;
    return !$calls || ($calls->{epoll_wait}
        && ($calls->{connect} || $calls->{clone3} || $calls->{clone}));
}

# Most of the time that it was looked at.
sub was_fetching {
    my ($result) = @_;
    return $result->{busy} > 2 * $result->{idle};
}

for my $kind (sort keys %FAULT) {

    # The machine has others to serve, too: what is wrong is wrong each time.
    my ($result, @before);
    for my $try (1 .. TRIES) {
        $result = watch_loop($kind);
        my %seen = map { $_ => 1 } map {/\A(\w+)/} @before;
        @{$result->{long}} = grep { /\A(\w+)/ && $seen{$1} } @{$result->{long}}
            if $try > 1 && $result->{long};
        @before = @{$result->{long} // []};
        note("$kind, fetching: ", figures_text($result->{probed}));
        note("$kind, control:  ", figures_text($result->{control}));
        last
            if is_as_quick(@$result{qw(probed control)})
            && !@{$result->{long} // []}
            && is_seen($result->{calls})
            && ($FAULT{$kind}{many} || was_fetching($result));
        note("$kind: once more") if $try < TRIES;
    }

    $FAULT{$kind}{many}
        ? cmp_ok($result->{broken}, '>=', SECONDS,
            "loop, $kind: there were fetches")
        : ok(was_fetching($result), "loop, $kind: there was a fetch")
        || diag("$result->{busy} of "
            . ($result->{busy} + $result->{idle}));

    ok(is_as_quick(@$result{qw(probed control)}),
        "loop, $kind: nobody waits for it")
        || diag(join "\n", map { figures_text($result->{$_}) }
            qw(probed control));

SKIP: {
        skip 'no strace: ' . ($result->{why} // 'it is not there'), 2
            if !$result->{calls};

        my $calls = $result->{calls};
        note("$kind, traced: ", join ', ',
            map {"$_ $calls->{$_}"} sort keys %$calls);
        ok(is_seen($calls), "loop, $kind: seen from the inside");
        is(join("\n", @{$result->{long}}), '',
            "loop, $kind: no call waits but for events");
    }
}


# ---- Workers that are to go ------------------------------------------------

# What there is to be in the middle of: a gateway's options.
my %BUSY = (
    hang    => {port => $port{hang}},
    trickle => {port => $port{trickle}},
    accept  => {port => $port{accept}},
    connect => {port => $port{connect}},
    never   => {dns  => '-1 none'},
    slow    => {dns  => '2500 127.0.0.1'},
);
$hung->fault('*', 'hang');
$drip->fault('*', 'trickle_head');

sub busy_gateway {
    my ($kind, %options) = @_;

    my $busy  = $BUSY{$kind};
    my $nginx = gateway(
        sets => {
            set => $busy->{port} ? set_url($busy->{port}, 'set')
            : set_url($port{dns}, 'set', 'para.slow.test')
        },
        dns => $busy->{dns} // '0 none',
        %options
    );
    $nginx->{remote} = $busy->{port};

    wait_until(PATIENCE, sub { is_fetching($nginx, $nginx->{remote}) })
        or die "$kind: no fetch\n";

    return $nginx;
}

sub left_nothing {
    my ($nginx, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_healthy($nginx, $name)
        && is(join("\n", said($nginx, qr/open socket|still busy/)), '',
            "$name: nothing was left");
}

# All at once: what is measured is whether somebody waits.
for my $signal (qw(QUIT TERM)) {
    for my $single (0, 1) {
        my $name  = "exit, $signal" . ($single ? ', one process' : '');
        my %nginx = map {
            $_ => busy_gateway($_, $single ? (main => 'master_process off;')
                : (workers => 2))
        } sort keys %BUSY;

        if ($signal eq 'QUIT' && !$single) {
            my %before = map { $_ => [serving($nginx{$_})] } keys %nginx;
            my $begin  = time;
            $_->reload for values %nginx;
            for my $kind (sort keys %nginx) {
                ok( wait_until(
                        SOON,
                        sub { !grep { kill 0, $_ } @{$before{$kind}} }
                    ),
                    "reload, $kind: the old workers do not wait"
                );
                is_fetching($nginx{$kind}, $nginx{$kind}{remote})
                    || wait_until(SOON,
                        sub { is_fetching($nginx{$kind},
                            $nginx{$kind}{remote}) });
            }
            cmp_ok(time - $begin, '<', 2 * SOON, 'reload: none of them');
        }

        my $begin = time;
        $_->{process}->signal($signal) for values %nginx;
        for my $kind (sort keys %nginx) {
            ok(wait_until(SOON, sub { !$nginx{$kind}->is_running }),
                "$name, $kind: nobody waits");
            left_nothing($nginx{$kind}, "$name, $kind");
        }
        cmp_ok(time - $begin, '<', SOON, "$name: none of them");
    }
}

# The name is found when nginx has given back all that it had, and before the
# process has ended.
{
    my $nginx = busy_gateway(
        'never',
        dns     => '1200 127.0.0.1',
        preload => [$late_exit],
        env     => {PARA_EXIT_MS => 2500},
    );
    my ($worker) = serving($nginx);
    my $begin = time;
    kill QUIT => $worker;

    ok( wait_until(PATIENCE,
            sub { said($nginx, qr/process $worker exited with code/) }),
        'late exit: it ends well'
    ) || diag($nginx->error_log);
    cmp_ok(time - $begin, '>', 2, 'late exit: later than the lookup');
    left_nothing($nginx, 'late exit');

    # It has another worker by now, which would go on without it.
    my @workers = workers_of($nginx);
    $nginx->{process}->signal('KILL');
    kill KILL => @workers;
    $nginx->stop;
}
$_->fault('*', 'off') for $hung, $drip;


# ---- No connections left ---------------------------------------------------

{
    my $port  = tls_port('good');
    my $nginx = gateway(
        sets   => {set => set_url($port, 'set')},
        events => 'worker_connections 16;',
    );
    says_once($nginx, qr/is new, with 2 keys/, 'connections: at first');

    # nginx takes back those that are idle, but not these.
    my @sockets;
    ok( wait_until(
            PATIENCE,
            sub {
                push @sockets, connect_to($nginx->{port});
                send_text($sockets[-1], request_text('/app',
                    method => 'POST', headers => 'Content-Length: 2',
                    body => '1'));
                return faults_said($nginx, $port);
            }
        ),
        'connections: one after the other, until there is none left'
    );
    like((faults_said($nginx, $port))[0],
        qr/cannot be fetched \(memory, status 0\): /, 'connections: told');
    sleep 0.5;
    is(scalar(faults_said($nginx, $port)), 1, 'connections: told once');

    close $_ for @sockets;
    says_once($nginx, qr/is fetched again/,
        'connections: and then all is well');
    answers($nginx, 'connections: for all');
    is_healthy($nginx, 'connections', qr/worker_connections are not enough/);
    $nginx->stop;
}

done_testing();
