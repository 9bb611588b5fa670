package ParaDemo::Process;

# A child process that ends when this object does: by its pid, and only in
# the process that started it (a fork has a copy of the object, not the child).

use strict;
use warnings;

use Carp        qw(croak);
use POSIX       qw(WNOHANG);
use Time::HiRes qw(sleep time);

use Exporter qw(import);
our @EXPORT_OK = qw(wait_until);

use constant {
    POLL       => 0.02,
    STOP_GRACE => 5,
};

# Calls a function until it returns something true, which is then returned;
# false when that took longer than the given seconds.
sub wait_until {
    my ($seconds, $condition) = @_;

    my $end = time + $seconds;
    while (1) {
        my $result = $condition->();
        return $result if $result;
        return         if time >= $end;
        sleep POLL;
    }
}

# Options: name, command (a list), log (a file for stdout and stderr).
sub start {
    my ($class, %options) = @_;

    my @command = @{$options{command}};

    defined(my $pid = fork) or croak "cannot fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null' or POSIX::_exit(127);
        if (defined $options{log}) {
            open STDOUT, '>>', $options{log} or POSIX::_exit(127);
            open STDERR, '>&', \*STDOUT      or POSIX::_exit(127);
        }

        # No END block or destructor of the parent's may run in here.
        no warnings 'exec';
        exec {$command[0]} @command;
        print STDERR "cannot run $command[0]: $!\n";
        POSIX::_exit(127);
    }

    return bless {
        name  => $options{name} // $command[0],
        log   => $options{log},
        pid   => $pid,
        owner => $$,
    }, $class;
}

sub pid {
    my ($self) = @_;
    return $self->{pid};
}

sub is_running {
    my ($self) = @_;

    return 0 if !$self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;

    $self->{status} = $?;
    delete $self->{pid};
    return 0;
}

# Waits for the condition, but no longer than the process lives.
sub wait_ready {
    my ($self, $seconds, $condition) = @_;

    my $ready;
    wait_until($seconds,
        sub { ($ready = $condition->()) || !$self->is_running });
    return $ready if $ready;

    my $what = $self->is_running ? "is not ready after $seconds s" : 'ended';
    croak "$self->{name} $what\n" . $self->output;
}

sub output {
    my ($self) = @_;

    return '' if !defined $self->{log};
    open my $in, '<', $self->{log} or return '';
    local $/;
    return scalar <$in> // '';
}

sub signal {
    my ($self, $signal) = @_;
    return $self->{pid} ? kill $signal, $self->{pid} : 0;
}

sub stop {
    my ($self) = @_;

    return if !$self->{pid} || $self->{owner} != $$;

    # Runs in END and in destructors: the exit status is not ours to change.
    local ($?, $!, $@);

    $self->signal('TERM');
    if (!wait_until(STOP_GRACE, sub { !$self->is_running })) {
        $self->signal('KILL');
        waitpid $self->{pid}, 0;
        delete $self->{pid};
    }

    return;
}

sub DESTROY {
    my ($self) = @_;
    $self->stop;
    return;
}

1;
