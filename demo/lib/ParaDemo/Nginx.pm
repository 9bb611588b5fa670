package ParaDemo::Nginx;

# An nginx with the module, run for as long as this object lives.

use strict;
use warnings;

use Carp             qw(croak);
use Cwd              qw(abs_path);
use File::Basename   qw(dirname);
use File::Path       qw(make_path);
use IO::Socket::INET ();

use ParaDemo::Process ();

use constant {
    START_TIMEOUT => 15,

    # Below what Linux gives to outgoing connections, so that none of these
    # sits on a port that nginx is about to listen at again.
    FIRST_PORT     => 20_000,
    PORTS_EACH     => 10,
    PORT_RANGES    => 1_100,
};

my $ROOT = abs_path(dirname(__FILE__) . '/../../..');

sub default_module { return "$ROOT/build/ngx_http_para_auth_module.so" }

sub default_binary {
    my @path = split /:/, $ENV{PATH} // '';
    for my $dir (@path, '/usr/sbin', '/usr/local/sbin') {
        return "$dir/nginx" if -x "$dir/nginx" && !-d "$dir/nginx";
    }
    return 'nginx';
}

sub _is_free {
    my ($port) = @_;
    my $socket = IO::Socket::INET->new(
        LocalAddr => '0.0.0.0',
        LocalPort => $port,
        Listen    => 1,
        ReuseAddr => 1,
    );
    return defined $socket;
}

# Ranges that are this process's for as long as it lives, by their number: a
# port that is free now may be another process's a moment later.  The UDP port
# of the last one, which nobody else wants, says that they are taken.
my %range;

sub _reserve {
    my ($number) = @_;

    $range{$number} //= IO::Socket::INET->new(
        Proto     => 'udp',
        LocalAddr => '127.0.0.1',
        LocalPort => FIRST_PORT + PORTS_EACH * ($number + 1) - 1,
    );
    return defined $range{$number};
}

# The first of a range of ten ports which nobody listens at.
sub free_ports {
    for my $try (0 .. PORT_RANGES - 1) {
        my $number = ($$ + $try) % PORT_RANGES;
        my $first  = FIRST_PORT + PORTS_EACH * $number;
        return $first
            if _reserve($number)
            && !grep { !_is_free($_) } $first .. $first + PORTS_EACH - 1;
    }
    croak 'no free ports';
}

# Options: dir (created), conf (the whole text of nginx.conf), port (asked for
# to know when nginx is ready), binary.
sub new {
    my ($class, %options) = @_;

    my $self = bless {binary => default_binary(), %options}, $class;

    make_path("$self->{dir}/logs");

    # Workers drop root, and their temporary files are below.
    chmod oct('0755'), $self->{dir};

    $self->{file} = "$self->{dir}/nginx.conf";
    open my $out, '>', $self->{file} or croak "$self->{file}: $!";
    print {$out} $self->{conf};
    close $out or croak "$self->{file}: $!";

    return $self;
}

sub _command {
    my ($self, @options) = @_;
    return ($self->{binary}, '-e', "$self->{dir}/logs/error.log", '-p',
        "$self->{dir}/", '-c', $self->{file}, @options);
}

# "nginx -t": whether the configuration is good, and what nginx says of it.
sub check {
    my ($self) = @_;

    my $process = ParaDemo::Process->start(
        name    => 'nginx -t',
        log     => "$self->{dir}/check.log",
        command => [$self->_command('-t')],
    );
    ParaDemo::Process::wait_until(START_TIMEOUT,
        sub { !$process->is_running })
        or croak 'nginx -t does not end';

    my $output = $process->output;
    unlink "$self->{dir}/check.log";

    return wantarray ? ($process->{status} == 0, $output)
        : $process->{status} == 0;
}

sub start {
    my ($self) = @_;

    $self->{process} = ParaDemo::Process->start(
        name    => 'nginx',
        log     => "$self->{dir}/logs/start.log",
        command => [$self->_command],
    );

    $self->{process}->wait_ready(
        START_TIMEOUT,
        sub {
            return IO::Socket::INET->new(
                PeerAddr => '127.0.0.1',
                PeerPort => $self->{port},
                Timeout  => 1,
            );
        }
    );

    return $self;
}

sub reload {
    my ($self) = @_;
    return $self->{process}->signal('HUP');
}

sub pid {
    my ($self) = @_;
    return $self->{process} && $self->{process}->pid;
}

sub is_running {
    my ($self) = @_;
    return $self->{process} && $self->{process}->is_running;
}

sub stop {
    my ($self) = @_;
    $self->{process}->stop if $self->{process};
    return;
}

sub error_log {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/logs/error.log" or return '';
    local $/;
    return scalar <$in> // '';
}

1;
