#!/usr/bin/perl

# para_auth_metrics: the numbers are those of what happened, the same in both
# formats and from all workers, and the formats are kept to the letter.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Encode     ();
use JSON::PP   ();
use List::Util qw(sum0);

use constant {
    JWKS    => '/.well-known/jwks.json',
    VERIFY  => '/sessions/verify',
    WAITING => 10,
    TIMEOUT => 30,
    WORKERS => 3,
    MANY    => 30,
    LONG    => 900,
};

my @OUTCOMES = qw(changed unchanged status redirect size dns connect tls
    timeout broken memory garbage empty secret duplicate useless);

my %TYPES = (
    para_auth_decisions_total           => 'counter',
    para_auth_keys_fetches_total        => 'counter',
    para_auth_keys_consecutive_failures => 'gauge',
    para_auth_keys_usable               => 'gauge',
    para_auth_keys_age_seconds          => 'gauge',
    para_auth_keys_loaded               => 'gauge',
    para_auth_breaker_open              => 'gauge',
    para_auth_cache_entries             => 'gauge',
    para_auth_wakeup_seconds            => 'histogram',
);

my @CODES = ('preflight', do {
    open my $in, '<', "$FindBin::Bin/../src/core/para_reason.c"
        or die "para_reason.c: $!";
    map { /\[PARA_CODE_\w+\] = "(\w+)"/ ? $1 : () } <$in>;
});

my @KINDS = qw(good refused exported calling answered payer breaker assertion);
my @WAKEUPS = qw(0.001 0.002 0.005 0.010 0.020 0.050 +Inf);

my $TEXT = 'text/plain; version=0.0.4; charset=utf-8';

my $LOCATION = <<'CONF';
        location = /metrics {
            para_auth_metrics;
            add_header X-Worker $pid;
        }
CONF


# ---- Both formats as the same hash: name => {type, samples} ----------------

# A sample is known by its labels, in the order of their names; one of a
# histogram also by its name.
sub sample_key {
    my (%labels) = @_;
    return JSON::PP->new->canonical->encode(\%labels);
}

# The grammar of the text format 0.0.4, and what it demands beyond that.
sub parse_labels {
    my ($text) = @_;

    my %labels;

    pos($text) = 0;
    while (pos $text < length $text) {
        if (keys %labels) {
            $text =~ /\G,/gc or die "no comma: $text\n";
        }
        $text =~ /\G([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)"/gc
            or die "no label: $text\n";

        my ($name, $value) = ($1, $2);
        die "label $name is there twice\n" if exists $labels{$name};
        $value =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
        $labels{$name} = $value;
    }

    return %labels;
}

sub parse_prometheus {
    my ($bytes) = @_;

    my $text = Encode::decode('UTF-8', $bytes, Encode::FB_CROAK);
    my (%family, $name);

    die "no line end at the end\n" if $text !~ /\n\z/;

    for my $line (split /\n/, $text) {
        if ($line =~ /\A# HELP ([a-zA-Z_:][\w:]*) ((?:[^\\]|\\[\\n])+)\z/) {
            die "$1 begins twice\n" if $family{$1};
            $name = $1;
            $family{$name} = {help => $2, samples => {}};
        }
        elsif ($line =~ /\A# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)\z/)
        {
            die "TYPE $1 is out of place\n"
                if $1 ne $name || $family{$name}{type};
            $family{$name}{type} = $2;
        }
        elsif ($line =~
            /\A([a-zA-Z_:][\w:]*)(?:\{(.+)\})? ([0-9]+(?:\.[0-9]+)?)\z/)
        {
            my ($of, $labels, $value) = ($1, $2 // '', $3);
            my $type = $family{$name}{type} // '';
            die "sample out of place: $line\n"
                if $type eq 'histogram'
                ? $of !~ /\A\Q$name\E_(?:bucket|sum|count)\z/
                : $of ne $name || !$type;
            my $key = sample_key(parse_labels($labels),
                $of eq $name ? () : (__name__ => $of));
            die "sample is there twice: $line\n"
                if exists $family{$name}{samples}{$key};
            $family{$name}{samples}{$key} = $value;
        }
        else { die "what is this: $line\n" }
    }

    return \%family;
}

sub parse_json {
    my ($bytes) = @_;

    my $family = JSON::PP->new->utf8->decode($bytes);

    for my $name (keys %$family) {
        my %samples;
        for my $sample (@{$family->{$name}{samples}}) {
            my $key = sample_key(%{$sample->{labels}},
                exists $sample->{name} ? (__name__ => $sample->{name}) : ());
            die "sample is there twice: $key\n" if exists $samples{$key};
            $samples{$key} = $sample->{value};
        }
        $family->{$name}{samples} = \%samples;
    }

    return $family;
}

sub metrics {
    my ($port, $format) = @_;

    my $answer = get($port, '/metrics?format=' . ($format // 'json'));
    die "status $answer->{status}\n" if $answer->{status} != 200;

    return ($format // 'json') eq 'json' ? parse_json($answer->{body})
        : parse_prometheus($answer->{body});
}

# Of the set whose URL ends so: fetches by outcome, and the other numbers.
sub numbers {
    my ($metrics, $end) = @_;

    my %of;
    for my $name (keys %$metrics) {
        (my $short = $name) =~ s/\Apara_auth_keys_//;
        for my $key (keys %{$metrics->{$name}{samples}}) {
            my $labels = JSON::PP->new->decode($key);
            next if ($labels->{url} // '') !~ /\Q$end\E\z/;
            my $value = $metrics->{$name}{samples}{$key};
            $of{$labels->{outcome} // $short} = $value;
        }
    }

    return \%of;
}

# Of the session layer: {open}{sessions}, {entries}{good}, {wakeups}{"0.001"},
# {sum}, {count}.
sub session_numbers {
    my ($metrics) = @_;

    my %of;
    my $samples = $metrics->{para_auth_breaker_open}{samples};
    for my $key (keys %$samples) {
        my $labels = JSON::PP->new->decode($key);
        $of{open}{"$labels->{provider} $labels->{calls}"} = $samples->{$key};
    }

    $samples = $metrics->{para_auth_cache_entries}{samples};
    for my $key (keys %$samples) {
        $of{entries}{JSON::PP->new->decode($key)->{kind}} = $samples->{$key};
    }

    $samples = $metrics->{para_auth_wakeup_seconds}{samples};
    for my $key (keys %$samples) {
        my $labels = JSON::PP->new->decode($key);
        (my $part = $labels->{__name__}) =~ s/.*_//;
        if ($part eq 'bucket') { $of{bucket}{$labels->{le}} = $samples->{$key} }
        else                   { $of{$part} = $samples->{$key} }
    }

    return \%of;
}

# Of the decisions, those that there were: {"app enforced ok"}.
sub decisions {
    my ($metrics) = @_;

    my (%of, $samples);
    $samples = $metrics->{para_auth_decisions_total}{samples};
    for my $key (keys %$samples) {
        my $labels = JSON::PP->new->decode($key);
        $of{join ' ', @$labels{qw(provider mode code)}} = $samples->{$key}
            if $samples->{$key};
    }

    return \%of;
}

# A kept connection to a worker that is not this one, and which one it is.
sub connect_to_other {
    my ($port, $pid) = @_;

    for (1 .. 200) {
        my $socket = connect_to($port);
        my $worker = exchange($socket, request_text('/open'))
            ->{header}{'x-worker'};
        return ($socket, $worker) if $worker ne $pid;
        close $socket;
    }
    die 'no such worker';
}

# The numbers when a condition ($_ is them) holds, or the last ones.
sub numbers_when {
    my ($port, $end, $condition) = @_;

    my $numbers;
    wait_until(TIMEOUT, sub {
        $numbers = numbers(metrics($port), $end);
        local $_ = $numbers;
        return $condition->();
    });

    return $numbers;
}

sub issuer {
    my ($name, $uri, %options) = @_;

    my $algorithms = $options{algorithms} // 'RS256';
    my $more       = $options{more} // '';

    return <<"CONF";
        issuer $name {
            jwks_uri '$uri';
            algorithms $algorithms;
            iss https://$name.example;
            audience app;
            $more
        }
CONF
}


# ---- What happens to one key set -------------------------------------------

{
    my $nginx = start_nginx(
        server => $LOCATION,
        http   => http_config(
            key_source => 'url',
            provider   => 'jwks_refresh 1s; jwks_cooldown 1s; '
                . 'jwks_max_stale 8s;',
        ),
    );
    my $port = $nginx->{port};

    my $first = numbers_when($port, JWKS, sub { $_->{unchanged} });
    is($first->{changed}, 1, 'a new set is counted');
    is($first->{consecutive_failures}, 0, 'no failure');
    is($first->{usable}, 1, 'the set counts');
    is($first->{loaded}, 2, '... with two keys');
    cmp_ok($first->{age_seconds}, '<', 8, '... fetched just now');
    is_deeply(
        [grep { $first->{$_} } @OUTCOMES],
        [qw(changed unchanged)],
        'nothing else has happened'
    );

    fault(JWKS, '500');
    my $failed = numbers_when($port, JWKS,
        sub { $_->{consecutive_failures} >= 2 });
    is($failed->{status}, $failed->{consecutive_failures},
        'failures are counted, and those in a row');
    is($failed->{usable}, 1, 'the last good set goes on');

    my $stale = numbers_when($port, JWKS, sub { !$_->{usable} });
    is($stale->{usable}, 0, 'a set that is too old does not count');
    is($stale->{loaded}, 0, '... and nothing is verified with it');
    cmp_ok($stale->{age_seconds}, '>=', 8, '... and its age is told');
    is($stale->{changed}, 1, 'no set came meanwhile');

    fault(JWKS, 'off');
    my $well = numbers_when($port, JWKS, sub { $_->{usable} });
    is($well->{usable}, 1, 'it counts again');
    is($well->{loaded}, 2, '... with its keys');
    is($well->{consecutive_failures}, 0, 'no failure in a row any more');
    cmp_ok($well->{status}, '>=', $stale->{status}, 'the counters stay');

    para_keys(rotate => 1);
    my $rotated = numbers_when($port, JWKS, sub { $_->{loaded} == 3 });
    is($rotated->{loaded}, 3, 'a key more');

    $nginx->reload;
    my $after = numbers_when($port, JWKS,
        sub { $_->{unchanged} > $rotated->{unchanged} });
    cmp_ok($after->{$_}, '>=', $rotated->{$_}, "a reload keeps $_")
        for qw(changed unchanged status);
    $nginx->stop;

    # Some more may have come before it was stopped.
    my $more = para_calls(JWKS) - sum0(@{$after}{@OUTCOMES});
    ok($more >= 0 && $more <= 5, 'as many as Para has seen');

    reset_para(keys => 1);
}


# ---- What sessions do ------------------------------------------------------

{
    my $spread = free_ports() + 5;
    my $nginx = start_nginx(
        workers => 2,
        http    => http_config(provider => ''),
        server  => <<"CONF" . $LOCATION . verify_location(),
        listen 127.0.0.1:$spread reuseport;
        add_header X-Worker \$pid always;
        para_auth_session_cache valid=60s refresh=off;
        location / { para_auth app; empty_gif; }
        location /open { empty_gif; }
CONF
    );
    my $port = $nginx->{port};
    my $now = sub { return session_numbers(metrics($port, $_[0])) };
    my $status = sub {
        return get($spread, '/', credentials($_[0]))->{status};
    };

    for my $format (qw(json prometheus)) {
        my $none = $now->($format);
        is_deeply($none->{open}, {'app sessions' => 0, 'app wallets' => 0},
            "$format: both breakers are closed");
        is_deeply($none->{entries}, {map { $_ => 0 } @KINDS},
            '... the cache is empty');
        is_deeply($none->{bucket}, {map { $_ => 0 } @WAKEUPS},
            '... nobody was woken');
        is($none->{$_} + 0, 0, "... $_") for qw(sum count);
    }

    # One asks, others wait in the other worker.
    reset_para();
    fault(VERIFY, 'slow', delay_ms => 1500);
    my $text = request_text('/', headers => credentials(login('alice')),
        close => 1);
    my ($caller, $pid) = connect_to_other($spread, 0);
    my @waiting = map { (connect_to_other($spread, $pid))[0] } 1 .. WAITING;

    send_text($caller, $text);
    wait_until(5, sub { para_calls(VERIFY) }) or die 'no call reaches Para';
    send_text($_, $text) for @waiting;

    my $calling = $now->();
    is($calling->{entries}{calling}, 1, 'a call is under way');
    is($calling->{entries}{payer}, 1, '... for which a JWT pays');
    is($calling->{entries}{answered}, 0, '... without an answer');
    is($calling->{count}, 0, '... nobody was woken yet');

    is($_->{status}, 200, 'let in') for map { read_answer($_) } $caller,
        @waiting;
    is(para_calls(VERIFY), 1, 'by one call');

    for my $format (qw(json prometheus)) {
        my $woken = $now->($format);
        my @below = @{$woken->{bucket}}{@WAKEUPS};
        is($woken->{count}, WAITING, "$format: those who waited were woken");
        is($below[-1], WAITING, '... all of them in the last bucket');
        is(scalar(grep { $below[$_] < $below[$_ - 1] } 1 .. $#below), 0,
            '... each bucket has what is below');

        # The limits of the buckets are those of the sum.
        my ($least, $most, $before) = (0, 0, 0);
        for my $i (0 .. $#WAKEUPS) {
            my $n = $below[$i] - $before;
            $least += $n * ($i ? $WAKEUPS[$i - 1] : 0);
            $most += $n * ($i < $#WAKEUPS ? $WAKEUPS[$i] : 5);
            $before = $below[$i];
        }
        cmp_ok($woken->{sum}, '>=', $least - 1e-6, '... the sum fits them');
        cmp_ok($woken->{sum}, '<=', $most + 1e-6, '... from both sides');

        is($woken->{entries}{calling}, 0, '... no call is under way');
        is($woken->{entries}{answered}, 1, '... one was answered');
        is($woken->{entries}{good}, 2, '... a session and an identity');
        is($woken->{entries}{refused}, 0, '... none was refused');
    }

    # Who is refused has room of his own.
    reset_para();
    my $ended = login('bob');
    end_session($ended);
    is($status->($ended), 401, 'a session that has ended');
    my $refused = $now->();
    is($refused->{entries}{refused}, 1, '... is kept as such');
    is($refused->{entries}{good}, 2, '... apart from others');
    is($refused->{entries}{payer}, 2, '... paid for by another JWT');
    is($refused->{entries}{breaker}, 0, 'nothing failed so far');

    # Para is down, and comes back.
    reset_para();
    fault(VERIFY, '500');
    my @logins = map { login('carol') } 1 .. 6;
    is($status->($logins[$_]), 503, 'a failure') for 0 .. 3;
    my $failing = $now->();
    is($failing->{open}{'app sessions'}, 0, 'four do not open the breaker');
    is($failing->{entries}{breaker}, 1, '... but are counted by it');
    is($status->($logins[4]), 503, 'a failure more');
    for my $format (qw(json prometheus)) {
        is_deeply($now->($format)->{open},
            {'app sessions' => 1, 'app wallets' => 0},
            "$format: open, but for wallets");
    }
    fault(VERIFY, 'off');
    ok(wait_until(10, sub { $status->($logins[5]) == 200 }), 'it is back');
    is($now->()->{open}{'app sessions'}, 0, '... and the breaker closed');

    my $before = $now->();
    $nginx->reload;
    is_deeply($now->()->{bucket}, $before->{bucket},
        'a reload keeps the wake-ups');
    is($now->()->{entries}{good}, $before->{entries}{good},
        '... and the entries');

    is_healthy($nginx, 'all of this');
    $nginx->stop;
    reset_para();
}


# ---- What is decided -------------------------------------------------------

{
    my $server = <<"CONF" . $LOCATION . verify_location();
        add_header X-Worker \$pid always;
        location / { para_auth app; empty_gif; }
        location /role {
            para_auth app jwt;
            para_auth_require_role admin;
            empty_gif;
        }
        location /preflight {
            para_auth app jwt;
            para_auth_preflight pass;
            empty_gif;
        }
        location /page { para_auth app jwt; error_page 401 = /role; }
        location /off { para_auth off; empty_gif; }
        location /other { para_auth other jwt; empty_gif; }
        location /dry/ {
            para_auth_dry_run on;
            location /dry/both { para_auth app; empty_gif; }
            location /dry/role {
                para_auth app jwt;
                para_auth_require_role admin;
                empty_gif;
            }
            location /dry/preflight {
                para_auth app jwt;
                para_auth_preflight pass;
                empty_gif;
            }
        }
CONF
    my $nginx = start_nginx(
        workers => WORKERS,
        server  => $server,
        http    => http_config(
            provider => own_issuer(),
            http     => para_provider(name => 'other')
        ),
    );
    my $port = $nginx->{port};

    my $none = metrics($port);
    is_deeply(decisions($none), {}, 'nothing was decided yet');
    is_deeply(
        [sort keys %{$none->{para_auth_decisions_total}{samples}}],
        [sort map {
            my $provider = $_;
            map {
                my $mode = $_;
                map { sample_key(provider => $provider, mode => $mode,
                        code => $_) } @CODES
            } qw(enforced dry_run)
        } qw(app other)],
        '... and may be: these labels'
    );

    reset_para();
    my $login = login('alice');
    my $good  = credentials($login);
    my $admin = bearer(own_jwt(claims => {roles => ['admin']}));
    my $ask   = "Origin: a\nAccess-Control-Request-Method: GET";
    my %count;
    my $do = sub {
        my ($path, $headers, $what, %options) = @_;
        $count{$_}++ for ref $what ? @$what : $what;
        return get($port, $path, $headers, %options);
    };

    # Cold and warm, in all workers.
    my %worker;
    for (1 .. 200) {
        my $answer = $do->('/', $good, 'app enforced ok');
        $worker{$answer->{header}{'x-worker'}}++;
        last if keys %worker == WORKERS && $_ > 20;
    }
    is(scalar keys %worker, WORKERS, 'all workers decide');

    $do->('/', '', 'app enforced token_missing') for 1 .. 3;
    $do->('/', bearer($login->{jwt}), 'app enforced session_missing');
    $do->('/', bearer(tamper($login->{jwt})) . "\nX-Para-Session: x",
        'app enforced token_invalid');
    $do->('/', bearer('a b'), 'app enforced token_malformed');
    $do->('/role', $admin, 'app enforced ok');
    $do->('/role', $good, 'app enforced role_missing') for 1, 2;
    $do->('/preflight', $ask, 'app enforced preflight', method => 'OPTIONS');
    $do->('/preflight', $ask, 'app enforced token_missing');
    $do->('/page', '', [('app enforced token_missing') x 2]);
    $do->('/off', $good, []);
    $do->('/other', $good, 'other enforced ok');
    $do->('/other', '', 'other enforced token_missing');
    $do->('/dry/both', $good, 'app dry_run ok') for 1, 2;
    $do->('/dry/both', '', 'app dry_run token_missing');
    $do->('/dry/role', $good, 'app dry_run role_missing');
    $do->('/dry/preflight', $ask, 'app dry_run preflight',
        method => 'OPTIONS');

    # Not before Para has answered.
    fault(VERIFY, 'slow', delay_ms => 1000, times => 1);
    my $socket = connect_to($port);
    send_text($socket, request_text('/',
        headers => credentials(login('bob'))));
    wait_until(5, sub { para_calls(VERIFY) > 1 }) or die 'no call';
    is_deeply(decisions(metrics($port)), \%count, 'each was counted once');
    is(read_answer($socket)->{status}, 200, 'let in after a wait');
    $count{'app enforced ok'}++;
    is_deeply(decisions(metrics($port, 'prometheus')), \%count,
        '... and counted then');

    fault(VERIFY, '500', times => 1);
    $do->('/', credentials(login('carol')), 'app enforced para_unavailable');

    # At once, from many connections.
    my $text = request_text('/role', headers => $admin, close => 1);
    $count{'app enforced ok'} += MANY;
    burst($port, [($text) x MANY]);
    is_deeply(decisions(metrics($port)), \%count, 'none is lost at once');

    $nginx->reload;
    is_deeply(decisions(metrics($port)), \%count, 'a reload keeps them');
    $do->('/', $good, 'app enforced ok');
    is_deeply(decisions(metrics($port)), \%count, '... and counts on');

    # A worker dies.
    my $pid = get($port, '/off', '')->{header}{'x-worker'};
    kill 'KILL', $pid;
    wait_until(5, sub { !kill 0, $pid });
    is_deeply(decisions(metrics($port)), \%count,
        'the death of a worker keeps them');

    $nginx->stop;
    reset_para();
}


# ---- Each outcome ----------------------------------------------------------

{
    my $web = free_ports();

    put_file('large.json', 'x' x 100_000);
    put_file('private.json',
        JSON::PP->new->encode({keys => [para_key(0)]}));
    put_file('twice.json', JSON::PP->new->encode({keys => [
        map { {%{para_key(0)}{qw(kty n e)}, kid => 'twice'} } 1, 2]}));

    my %url = (
        status    => '/status',
        redirect  => '/redirect',
        garbage   => '/garbage',
        empty     => '/empty',
        broken    => '/broken',
        size      => '/large.json',
        secret    => '/private.json',
        duplicate => '/twice.json',
        useless   => '/useless',
    );
    $_ = "http://127.0.0.1:$web$_" for values %url;
    $url{connect} = 'http://127.0.0.1:' . ($web + 1) . '/connect';
    $url{tls}     = "https://127.0.0.1:$web/tls";
    $url{timeout} = 'http://127.0.0.1:' . black_hole_port() . '/timeout';

    my $rsa = para_key(0);
    my $useless = JSON::PP->new->encode(
        {keys => [{%{$rsa}{qw(kty n e)}, kid => 'rs', alg => 'RS256'}]});

    my $nginx = start_nginx(
        port   => $web + 2,
        server => $LOCATION,
        http   => http_config(
            provider => join '', map {
                issuer($_, $url{$_},
                    algorithms => $_ eq 'useless' ? 'ES256' : 'RS256')
            } sort keys %url
        ) . <<"CONF");
    server {
        listen 127.0.0.1:$web;
        root $PARA_DIR;
        location = /status { return 503; }
        location = /redirect { return 302 http://127.0.0.1:$web/empty; }
        location = /garbage { return 200 "no set"; }
        location = /empty { return 200 '{"keys":[]}'; }
        location = /broken { return 444; }
        location = /useless { return 200 '$useless'; }
    }
CONF
    my $port = $nginx->{port};

    for my $outcome (sort keys %url) {
        (my $end = $url{$outcome}) =~ s{.*/}{/};
        my $numbers = numbers_when($port, $end, sub { $_->{$outcome} });

        is_deeply([grep { $numbers->{$_} } @OUTCOMES],
            [$outcome], "$outcome is counted, and nothing else");
        is($numbers->{usable}, 0, '... no set counts');
        ok(!exists $numbers->{age_seconds}, '... and none has an age');
    }
    $nginx->stop;
}


# ---- The formats -----------------------------------------------------------

{
    # What nginx's quotes make of it: " and \ and braces
    my $odd = '/odd"\\{}=,';

    my $nginx = start_nginx(
        workers => WORKERS,
        server  => <<"CONF" . $LOCATION . verify_location(),
        location = /protected { para_auth app; para_auth_metrics; }
        location = /denied { deny all; para_auth_metrics; }
        location = /ssi.html { root $PARA_DIR; ssi on; }
        location = /gzip {
            gzip on;
            gzip_types text/plain application/json;
            para_auth_metrics;
        }
        location = /charset {
            charset koi8-r;
            charset_types text/plain application/json;
            para_auth_metrics;
        }
CONF
        http => http_config(
            key_source => 'url',
            provider   => 'para_issuer on;'
                . issuer('odd', "$PARA_URL" . $odd =~ s/\\/\\\\/r)
                . issuer('query', "$PARA_URL" . JWKS . '?key=hush-hush'),
        ),
    );
    my $port = $nginx->{port};
    put_file('ssi.html',
        "A\n<!--#include virtual=\"/metrics?format=prometheus\" -->Z\n");

    my $ready = sub { $_->{changed} || $_->{status} };
    numbers_when($port, $odd, $ready);
    wait_until(TIMEOUT, sub {
        my $keys = metrics($port)->{para_auth_keys_usable}{samples};
        return 2 == sum0(values %$keys);
    });

    my ($json, $text) = map { metrics($port, $_) } qw(json prometheus);

    is_deeply({map { $_ => $json->{$_}{type} } keys %$json},
        \%TYPES, 'the families of the README');
    is_deeply([sort keys %$text], [sort keys %$json],
        'both formats have them');
    for my $name (sort keys %TYPES) {
        is_deeply(
            [sort keys %{$text->{$name}{samples}}],
            [sort keys %{$json->{$name}{samples}}],
            "$name: the same labels"
        );
        is($text->{$name}{$_}, $json->{$name}{$_}, "$name: the same $_")
            for qw(type help);
    }

    for my $metrics ($json, $text) {
        my $fetches = $metrics->{para_auth_keys_fetches_total}{samples};
        my @labels  = map { JSON::PP->new->decode($_) } keys %$fetches;

        is(scalar @labels, 3 * @OUTCOMES, 'each set with each outcome');
        is(scalar(grep { $_->{url} eq $PARA_URL . $odd } @labels),
            scalar @OUTCOMES, 'an odd URL comes through as it is');
        is(scalar(grep { $_->{url} eq $PARA_URL . JWKS } @labels),
            2 * @OUTCOMES, 'two that differ in the query only');
        is(scalar(grep { $_->{id} !~ /\A[0-9a-f]{16}\z/ } @labels),
            0, '... are told apart by their ids');
    }

    for my $format (qw(json prometheus)) {
        unlike(get($port, "/metrics?format=$format")->{body},
            qr/hush|\?/, "$format: no query");
    }

    # ---- Which format

    my @ACCEPT = (
        ['', 'json'],
        ['Accept: */*', 'json'],
        ['Accept:', 'json'],
        ['Accept: text/html,application/xhtml+xml,*/*;q=0.8', 'json'],
        ['Accept: application/json', 'json'],
        ['Accept: text/plain', 'text'],
        ['Accept: TEXT/PLAIN', 'text'],
        ['Accept: application/openmetrics-text', 'text'],
        ['Accept: application/openmetrics-text;version=1.0.0;q=0.5,'
                . 'text/plain;version=0.0.4;q=0.3,*/*;q=0.1', 'text'],
        ['Accept: application/json, text/plain, */*', 'json'],
        ['Accept: text/plain, application/json', 'text'],
        ['Accept: text/plain;q=0.4, application/json;q=0.5', 'json'],
        ["Accept: text/plain \t; Q=0.6 ,\tapplication/json;q=0.5", 'text'],
        ['Accept: text/plain;q=0', 'json'],
        ['Accept: text/plain;q=0.000, */*', 'json'],
        ['Accept: text/plain;q=x', 'json'],
        ['Accept: text/plain;q=', 'json'],
        ['Accept: ,;,;q=,text/plain', 'text'],
        ['Accept: text/plainer, xtext/plain', 'json'],
        ["Accept: text/html\nAccept: text/plain", 'text'],
        ['X-Accept: text/plain', 'json'],
    );
    my %type = (json => 'application/json', text => $TEXT);

    for my $row (@ACCEPT) {
        my ($headers, $format) = @$row;
        my $answer = get($port, '/metrics', $headers);
        is($answer->{header}{'content-type'},
            $type{$format}, "\"$headers\": $format" =~ s/[\n\t]/ /gr);
    }

    my %ARGUMENT = (
        'format=json'          => [200, 'json'],
        'format=prometheus'    => [200, 'text'],
        'a=b&format=json&c'    => [200, 'json'],
        'format=prometheus&format=json' => [200, 'text'],
        'format='              => [400],
        'format=JSON'          => [400],
        'format=jso'           => [400],
        'format=xml'           => [400],
        'format=%6Ason'        => [400],
    );

    for my $argument (sort keys %ARGUMENT) {
        my ($status, $format) = @{$ARGUMENT{$argument}};
        my $other = ($format // '') eq 'json' ? 'text/plain'
            : 'application/json';
        my $answer = get($port, "/metrics?$argument", "Accept: $other");

        is($answer->{status}, $status, "?$argument: $status");
        is($answer->{header}{'cache-control'}, 'no-store', '... not stored');
        if ($format) {
            is($answer->{header}{'content-type'}, $type{$format},
                "... $format, whatever Accept says");
        }
        else {
            like($answer->{body}, qr/format=json.*format=prometheus/,
                '... says what is possible');
            is($answer->{header}{'content-type'}, 'text/plain',
                '... as a text');
        }
    }

    is(get($port, '/metrics?xformat=prometheus')->{header}{'content-type'},
        $type{json}, 'another argument says nothing');

    # ---- Methods

    for my $path (qw(/metrics /metrics?format=prometheus /metrics?format=x)) {
        my ($head, $full);
        for (1 .. 3) {
            $head = get($port, $path, '', method => 'HEAD');
            $full = get($port, $path);
            last if $head->{header}{'content-length'}
                == length $full->{body};
        }
        is($head->{status}, $full->{status}, "HEAD $path: the status of GET");
        is($head->{header}{'content-length'}, length $full->{body},
            '... and the length');
        is($head->{header}{'content-type'},
            $full->{header}{'content-type'}, '... and the type');
        is($head->{header}{'cache-control'}, 'no-store', '... not stored');
        is(http_raw("HEAD $path HTTP/1.0\r\n\r\n", port => $port) =~
                s/.*?\r\n\r\n//sr, '', '... and no body');
    }

    for my $method (qw(POST PUT DELETE OPTIONS PATCH)) {
        my $answer = get($port, '/metrics', '', method => $method,
            body => 'x' x 20_000);
        is($answer->{status}, 405, "$method: 405");
        is($answer->{header}{allow}, 'GET, HEAD', '... says what is allowed');
        unlike($answer->{body}, qr/para_auth/, '... and no numbers');
    }

    # ---- Around it

    is(get($port, '/protected')->{status}, 401, 'para_auth can protect it');
    unlike(get($port, '/protected')->{body}, qr/para_auth_/, '... wholly');
    my $granted = get($port, '/protected', credentials(login('alice')));
    is($granted->{status}, 200, '... and let a user in');
    ok($granted->{json}{para_auth_keys_usable}, '... who gets the numbers');
    is(get($port, '/denied')->{status}, 403, 'as can allow and deny');

    my $ssi = get($port, '/ssi.html')->{body};
    like($ssi, qr/\AA\n#.*\nZ\n\z/s, 'in the midst of another answer');
    parse_prometheus($ssi =~ s/\AA\n//r =~ s/Z\n\z//r);

    for my $format (qw(json prometheus)) {
        my $answer = get($port, "/gzip?format=$format",
            'Accept-Encoding: gzip');
        is($answer->{header}{'content-encoding'}, 'gzip', "$format in gzip");
        unlike(
            get($port, "/charset?format=$format")->{header}{'content-type'},
            qr/charset=.*charset=/, "$format: one charset at most");
    }

    # ---- All workers

    my (%seen, @counts);
    for (1 .. 50) {
        last if keys %seen == WORKERS;

        my @answers = burst($port,
            [map { request_text('/metrics', close => 1) } 1 .. 50]);
        for my $answer (@answers) {
            next if $seen{$answer->{header}{'x-worker'}}++;
            push @counts, parse_json($answer->{body});
        }
    }
    is(scalar @counts, WORKERS, 'all workers have answered');
    delete $_->{para_auth_keys_age_seconds}{samples} for @counts;
    delete $_->{para_auth_keys_fetches_total}{samples} for @counts;
    delete $_->{para_auth_keys_consecutive_failures}{samples} for @counts;
    is_deeply($counts[$_], $counts[0], "worker $_ says what worker 0 does")
        for 1 .. $#counts;

    is_healthy($nginx, 'all of this');
    $nginx->stop;
}


# ---- None, and many --------------------------------------------------------

{
    my $nginx = start_nginx(http => '', server => $LOCATION);
    for my $format (qw(json prometheus)) {
        my $metrics = metrics($nginx->{port}, $format);
        is_deeply([sort keys %$metrics], [sort keys %TYPES],
            "$format: without key sets the families are there");
        is(sum0(map { scalar keys %{$_->{samples}} } values %$metrics),
            0, '... without samples');
    }
    $nginx->stop;
}

# Of all lengths, each byte of which becomes two: some do not fit where they
# would begin.
{
    my $nginx = start_nginx(
        server => $LOCATION,
        http   => http_config(
            provider => join '', map {
                issuer("many-$_", "$PARA_URL/" . '"' x (LONG - 25 * $_) . $_)
            } 1 .. MANY
        ),
    );
    for my $format (qw(json prometheus)) {
        my $metrics = metrics($nginx->{port}, $format);
        is(scalar(keys %{$metrics->{para_auth_keys_fetches_total}{samples}}),
            MANY * @OUTCOMES, "$format: much of it");
    }
    $nginx->stop;
}


# ---- What nginx -t says ----------------------------------------------------

my @BAD = (
    ['location = /m { para_auth_metrics on; }', qr/invalid number of arg/],
    ['para_auth_metrics;', qr/not allowed here/],
    ['location = /m { para_auth_metrics; para_auth_metrics; }',
        qr/"para_auth_metrics" directive is duplicate/],
    ["location = /m { proxy_pass $APP_URL; para_auth_metrics; }",
        qr/answers itself: give it a location of its own/],
    ["location = /m { para_auth_metrics; proxy_pass $APP_URL; }",
        qr/"\/m" has a directive.*behind it that takes its place/],
);

for my $row (@BAD) {
    my ($server, $message) = @$row;
    my ($good, $said) = check_nginx(server => $server);
    ok(!$good, "refused: $server");
    like($said, $message, '... with the reason');
}

{
    my ($good, $said) = check_nginx(http => http_config(
        provider => issuer('user', 'https://u:hush-hush@127.0.0.1/jwks')));
    ok(!$good, 'no URL has a password that could be shown');
    like($said, qr/is no place for a secret/, '... for this reason');
}

done_testing();
