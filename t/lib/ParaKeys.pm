package ParaKeys;

# A gateway that fetches its keys, and what the suites of that ask of it: each
# of its workers, its log, and how often the emulated Para was asked for keys.
#
#   my $nginx = key_gateway(workers => 2, refresh => '1s');
#   is_everywhere($nginx, para_jwt('alice'), 200, 'a good token');
#
# The server at {spread} protects all with the JWT alone, and "/both" with both
# layers.  Its answers say in X-Worker whose they are, in X-Status and X-Cache
# what was decided and how.

use strict;
use warnings;

use Carp         qw(croak);
use Exporter     qw(import);
use JSON::PP     ();
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(sleep time);

use ParaTest;
use ParaClient;

our @EXPORT = qw(JWKS key_gateway key_lines key_server serving ask
    ask_workers is_everywhere becomes_everywhere fetches wait_for_fetches
    said says_once fresh_jwt unknown_jwt rewrite_conf reload_and_wait);

use constant {
    JWKS     => '/.well-known/jwks.json',
    TRIES    => 2000,
    PATIENCE => 15,
};

my $JSON = JSON::PP->new->utf8->canonical;
my $serial = 0;

# Options refresh, cooldown, max_stale, state as the directives; lines.
sub key_lines {
    my (%options) = @_;

    my %directive = (
        refresh   => 'jwks_refresh',
        cooldown  => 'jwks_cooldown',
        max_stale => 'jwks_max_stale',
        state     => 'state_path',
    );

    return join '', map {"        $_;\n"}
        (map {"$directive{$_} $options{$_}"}
            grep { defined $options{$_} } sort keys %directive),
        @{$options{lines} // []};
}

# The lines of the server, all but where it listens.
sub key_server {
    mkdir "$PARA_DIR/site";
    put_file('site/small.txt', "let in\n");

    return <<"CONF" . verify_location();
        para_auth app jwt;
        keepalive_requests 100000;
        add_header X-Status \$para_auth_status always;
        add_header X-Cache \$para_auth_cache always;
        add_header X-Worker \$pid always;
        root $PARA_DIR/site;
        location / { try_files /small.txt =404; }
        location /app { proxy_pass $APP_URL; }
        location /both { para_auth app; try_files /small.txt =404; }
CONF
}

# Options: workers, main, api, http (more of it), server (more of it), those of
# key_lines(), and provider (more lines of the provider).
sub key_gateway {
    my (%options) = @_;

    my $port  = free_ports();
    my $more  = $options{server} // '';
    my $nginx = start_nginx(
        port    => $port,
        workers => $options{workers} // 1,
        main    => $options{main},
        events  => 'worker_connections 2048;',
        http    => http_config(
            api        => $options{api},
            key_source => 'url',
            provider   => key_lines(%options) . ($options{provider} // ''),
            http       => $options{http},
        ),
        server => "listen 127.0.0.1:@{[$port + 1]} reuseport backlog=2048;\n"
            . $more . key_server(),
    );
    $nginx->{spread} = $port + 1;

    return $nginx;
}

# Its workers, or itself if it has none.
sub serving {
    my ($nginx) = @_;

    my @workers = workers_of($nginx);

    return @workers ? @workers : $nginx->pid // ();
}

# The answer to a token, or to a login (what login() returned).
sub ask {
    my ($nginx, $jwt, $path) = @_;
    return get(
        $nginx->{spread},
        $path // (ref $jwt ? '/both' : '/'),
        ref $jwt ? credentials($jwt) : bearer($jwt)
    );
}

# The first answer of each worker: the kernel spreads the connections.
sub ask_workers {
    my ($nginx, $jwt, $path) = @_;

    my (%wanted, %answer);

    for my $try (0 .. TRIES) {

        # one that was about to go answers no more
        %wanted = map { $_ => 1 } serving($nginx) if $try % 100 == 0;

        my $answer = ask($nginx, $jwt, $path);
        my $worker = $answer->{header}{'x-worker'} // 'none';
        $answer{$worker} //= $answer;
        return map { $answer{$_} } sort keys %answer
            if !grep { !$answer{$_} } keys %wanted;
    }

    croak 'not every worker answers';
}

# How many there are of each status.
sub is_everywhere {
    my ($nginx, $jwt, $status, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @answers = ask_workers($nginx, $jwt);
    return is_deeply(statuses(@answers), {$status => scalar @answers}, $name);
}

sub becomes_everywhere {
    my ($nginx, $jwt, $status, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    wait_until(PATIENCE,
        sub { !grep { $_->{status} != $status } ask_workers($nginx, $jwt) });
    return is_everywhere($nginx, $jwt, $status, $name);
}

# How often Para was asked for its keys; of another Para, if one is given.
sub fetches {
    my ($para) = @_;
    return $para ? $para->calls->{paths}{+JWKS} // 0 : para_calls(JWKS);
}

sub wait_for_fetches {
    my ($n, $para) = @_;
    wait_until(PATIENCE, sub { fetches($para) >= $n })
        or croak "keys are not fetched $n times, but " . fetches($para);
    return;
}

# The lines of the error log that match.
sub said {
    my ($nginx, $what) = @_;
    return grep {/$what/} split /\n/, $nginx->error_log;
}

# That there is one such line in the log now, or soon: no less, no more.
sub says_once {
    my ($nginx, $what, $name, $times) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $times //= 1;
    wait_until(PATIENCE, sub { said($nginx, $what) >= $times });
    my @lines = said($nginx, $what);
    return is(scalar @lines, $times, $name) || diag(join "\n", @lines);
}

# One that nobody has verified yet.
sub fresh_jwt {
    my ($user, %claims) = @_;
    return para_jwt($user // 'alice', jti => $$ . '-' . ++$serial, %claims);
}

# One by a key that nobody has, which costs nothing to make.
sub unknown_jwt {
    my ($kid) = @_;
    $kid //= 'unknown-' . ++$serial;

    my $header = $JSON->encode({alg => 'RS256', typ => 'JWT', kid => $kid});
    my $claims = $JSON->encode(
        {aud => $PARA_AUDIENCE, sub => 'x', exp => int(time) + 600});

    return join '.', map { encode_base64url($_) } $header, $claims, 's' x 256;
}

# Changes the configuration by a function of its text.
sub rewrite_conf {
    my ($nginx, $change) = @_;

    my $conf = slurp($nginx->{file});
    local $_ = $conf;
    $change->();
    croak 'the configuration is as it was' if $_ eq $conf;

    open my $out, '>', $nginx->{file} or croak "$nginx->{file}: $!";
    print {$out} $_;
    close $out or croak "$nginx->{file}: $!";

    return;
}

sub reload_and_wait {
    my ($nginx) = @_;

    my @before = serving($nginx);
    $nginx->reload;
    wait_until(
        PATIENCE,
        sub {
            my %now = map { $_ => 1 } serving($nginx);
            keys %now == @before && !grep { $now{$_} } @before;
        }
    ) or croak 'no new workers come';

    return;
}

1;
