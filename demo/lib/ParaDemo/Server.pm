package ParaDemo::Server;

# What the emulator and the sample app have in common as servers: a loopback
# address, a state directory that says when they are ready, an orderly end.

use strict;
use warnings;

use Mojo::Base -signatures;

use Exporter   qw(import);
use Fcntl      qw(O_CREAT O_EXCL O_WRONLY);
use File::Path qw(make_path);
use Mojo::IOLoop;
use Mojo::Server::Daemon;
use Mojo::URL;

our @EXPORT_OK = qw(listen_url run_server start_listener write_state);

# More than the tests open at once; the rest of a burst waits in the backlog.
use constant {
    MAX_CLIENTS        => 2000,
    MAX_REQUESTS       => 1_000_000_000,
    BACKLOG            => 1024,
    KEEP_ALIVE_TIMEOUT => 75,
    INACTIVITY_TIMEOUT => 120,
};

# Turns "127.0.0.1:8080" into the URL to listen at, or dies saying why not.
# Anyone who reaches these servers can act as anyone: hence loopback only.
sub listen_url ($address, %tls) {
    my ($host, $port) =
        $address =~ m{^ (127(?:\.\d{1,3}){3} | localhost | \[::1\])
                        : (\d{1,5}) $}x
        or die qq{cannot listen at "$address": }
        . "a loopback address and a port are needed, as in 127.0.0.1:8080\n";

    die "port $port is out of range\n" if $port > 65535;

    my $url = Mojo::URL->new->scheme('http')->host($host)->port($port);

    if ($tls{cert} || $tls{key}) {
        die "--tls-cert and --tls-key go together\n"
            if !($tls{cert} && $tls{key});

        for my $file (@tls{qw(cert key)}) {
            die "cannot read $file: $!\n" if !-r $file;
        }

        $url->scheme('https')
            ->query(cert => $tls{cert}, key => $tls{key});
    }

    return $url->to_string;
}

# Appears whole or not at all, for a reader that polls.
sub write_state ($dir, $name, $content, $mode = oct('0644')) {
    my $path = "$dir/$name";
    my $temp = "$path.$$";

    unlink $temp;
    sysopen my $out, $temp, O_WRONLY | O_CREAT | O_EXCL, $mode
        or die "cannot write $temp: $!\n";
    print {$out} $content;
    close $out or die "cannot write $temp: $!\n";
    rename $temp, $path or die "cannot write $path: $!\n";

    return;
}

# Serves an application at a URL of listen_url() for as long as what is
# returned lives, while the event loop runs.
sub start_listener ($app, $url) {
    my $daemon = Mojo::Server::Daemon->new(
        app                => $app,
        listen             => [$url],
        silent             => 1,
        backlog            => BACKLOG,
        max_clients        => MAX_CLIENTS,
        max_requests       => MAX_REQUESTS,
        keep_alive_timeout => KEEP_ALIVE_TIMEOUT,
        inactivity_timeout => INACTIVITY_TIMEOUT,
    );

    return $daemon->start;
}

# Serves until SIGTERM or SIGINT.  Options:
#   listen            from listen_url()
#   state             directory for the files "pid" and "port"; "port" is the
#                     last to be written, and says that the server is ready
#   on_ready          called with the port before that
#   exit_with_parent  end when the process that started this one has ended
sub run_server ($app, %options) {
    my $daemon = start_listener($app, $options{listen});
    my $port   = $daemon->ports->[0];

    if ($options{exit_with_parent}) {
        my $parent = getppid;
        Mojo::IOLoop->recurring(
            0.5 => sub ($loop) { $loop->stop if getppid != $parent }
        );
    }

    $options{on_ready}->($port) if $options{on_ready};

    if (defined(my $dir = $options{state})) {
        make_path($dir);
        write_state($dir, 'pid',  "$$\n");
        write_state($dir, 'port', "$port\n");
    }

    # A peer that goes away in the middle of an answer is a matter of course.
    local $SIG{PIPE} = 'IGNORE';

    $daemon->run;

    if (defined(my $dir = $options{state})) {
        unlink "$dir/port", "$dir/pid";
    }

    return;
}

1;
