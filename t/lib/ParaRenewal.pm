package ParaRenewal;

# A gateway that renews its sessions, clients that are always there, and how
# many of their requests had to wait.
#
#   my $nginx = renewing_gateway(valid => 9);
#   known($nginx, credentials($login));
#   my @answers = busy($nginx, credentials($login), 27);
#   is(waits(@answers), 0, 'all at once');
#
# Renewal is due at 70 to 90 % of "valid", as chance has it: a tenth of it has
# to be more than a busy machine may lose, and if a renewal has to be begun
# again, more than the second for which it then pauses.

use strict;
use warnings;

use Exporter   qw(import);
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

use ParaTest;
use ParaClient;

our @EXPORT = qw(VERIFY TOUCH FAST AGENT renewing_gateway renewals busy
    answers_by waits slowest error_lines known);

use constant {
    VERIFY => '/sessions/verify',
    TOUCH  => '/touch',
    FAST   => 1.8,                   # s: nobody waited for a slow Para
    AGENT  => 'nginx-para-auth',     # of renewals
};


# Options: valid, cache (more parameters), auth (more lines), http, api,
# provider, trust (of the shipped location), exported, and start_nginx()'s.
sub renewing_gateway {
    my (%option) = @_;

    my ($valid, $cache, $auth, $http, $api, $provider, $trust, $exported,
        $server)
        = delete @option{qw(valid cache auth http api provider trust exported
            server)};
    $_ //= '' for $cache, $auth, $http, $provider, $server;

    my $locations = verify_location() . ($exported ? touch_location() : '');
    $locations =~ s{(proxy_ssl_trusted_certificate\s+)\S+;}
                   {$1$PARA_DIR/$trust.crt;}g if $trust;

    my $spread = free_ports() + 5;
    my $h2     = $spread + 1;
    my $nginx  = start_nginx(
        http => http_config(
            api      => $api,
            provider => $provider
                . ($exported ? "        public_key $PARA_PUBLIC_KEY;\n" : ''),
            http => $http
        ),
        server => <<"CONF" . $locations,
        listen 127.0.0.1:$spread reuseport;
        listen 127.0.0.1:$h2 ssl http2;
        ssl_certificate $PARA_DIR/good.crt;
        ssl_certificate_key $PARA_DIR/good.key;
        large_client_header_buffers 4 32k;
        para_auth app;
        para_auth_session_cache valid=${valid}s negative=5s $cache;
        $auth
        add_header X-Cache \$para_auth_cache always;
        location / { proxy_pass $APP_URL; }
$server
CONF
        %option
    );
    @$nginx{qw(spread h2)} = ($spread, $h2);

    return $nginx;
}

# What is asked in the background, of all that Para received there.
sub renewals {
    my ($path) = @_;
    return grep { ($_->{header}{'user-agent'} // '') eq AGENT }
        para_requests($path // VERIFY);
}

# Asks again and again for so many seconds on kept connections, to whatever
# worker has them; "each" is called after each answer and may end it.
sub busy {
    my ($nginx, $headers, $seconds, %option) = @_;

    my @sockets = map { connect_to($nginx->{spread}) } 1 .. 8;
    my $text    = request_text('/', headers => $headers);
    my $end     = time + $seconds;
    my @answers;

    for (my $i = 0; time < $end; $i++) {
        my $began  = time;
        my $socket = $sockets[$i % @sockets];
        my $answer = exchange($socket, $text);

        # a worker that is to go closes what is idle, or is killed
        if (!$answer->{status} && $option{again}) {
            $sockets[$i % @sockets] = connect_to($nginx->{spread});
            next;
        }
        $sockets[$i % @sockets] = connect_to($nginx->{spread})
            if $answer->{close};

        @$answer{qw(began took)} = ($began, time - $began);
        push @answers, $answer;
        last if $option{each} && $option{each}->($answer);
        sleep 0.02;
    }

    return @answers;
}

sub answers_by {
    my ($what, @answers) = @_;

    my %count;
    $count{$_}++ for map {
              $what eq 'status'
            ? $_->{status}
            : $_->{header}{'x-cache'} // ''
    } @answers;

    return \%count;
}

# How many had to wait for Para, or were not let in.
sub waits {
    my $states = answers_by(cache => @_);
    return @_ - ($states->{HIT} // 0) - ($states->{REFRESH} // 0);
}

sub slowest { return max(0, map { $_->{took} } @_) }

sub error_lines {
    my ($nginx) = @_;
    return grep {/\[error\] .* para_auth:/} split /\n/, $nginx->error_log;
}

# A session that is known, as one request of its owner has made it.
sub known {
    my ($nginx, $headers) = @_;

    my $answer = get($nginx->{spread}, '/', $headers);
    is($answer->{header}{'x-cache'}, 'MISS', 'a session that is new');
    return;
}

1;
