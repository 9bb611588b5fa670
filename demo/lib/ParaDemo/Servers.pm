package ParaDemo::Servers;

# The emulator and the sample app as running processes, and what they can be
# told to do: for the demo and for the tests.

use strict;
use warnings;

use Carp       qw(croak);
use Cwd        qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny ();
use JSON::PP   ();

use ParaDemo::Process ();

use constant {
    START_TIMEOUT   => 30,
    CONTROL_TIMEOUT => 10,
};

my $DEMO = abs_path(dirname(__FILE__) . '/../..');
my $JSON = JSON::PP->new->utf8->canonical;

# Starts both on free loopback ports.  The emulator's state is written to dir:
# jwks.json, secret.key, para.json.  Options: dir, emulator (further options
# of the emulator, a list), no_app (the emulator alone).
sub start {
    my ($class, %options) = @_;

    # Kept-alive connections would wait 40 ms for each request with a body:
    # it comes in two packets, of which the second awaits a delayed ACK.
    my $dir  = $options{dir};
    my $self = bless {
        dir  => $dir,
        http => HTTP::Tiny->new(
            timeout    => CONTROL_TIMEOUT,
            keep_alive => 0
        ),
    }, $class;

    # Both at once, as the emulator takes a while to make its keys.
    $self->_spawn('emulator', "$DEMO/para-emulator", $dir,
        @{$options{emulator} // []});
    $self->_spawn('app', "$DEMO/sample-app", "$dir/app")
        if !$options{no_app};

    $self->{emulator_port} = $self->_wait_port('emulator', $dir);
    $self->{app_port}      = $self->_wait_port('app', "$dir/app")
        if !$options{no_app};

    $self->_read_state;

    return $self;
}

sub _read_state {
    my ($self) = @_;
    $self->{para} = $JSON->decode(_slurp("$self->{dir}/para.json"));
    return;
}

sub _spawn {
    my ($self, $name, $program, $state, @options) = @_;

    $self->{process}{$name} = ParaDemo::Process->start(
        name    => $name,
        log     => "$self->{dir}/$name.log",
        command => [
            $^X,                  $program,
            '--listen',           '127.0.0.1:0',
            '--state',            $state,
            '--exit-with-parent', @options,
        ],
    );

    return;
}

sub _wait_port {
    my ($self, $name, $state) = @_;

    $self->{process}{$name}->wait_ready(START_TIMEOUT,
        sub { -e "$state/port" });

    my $port = _slurp("$state/port");
    chomp $port;
    return $port;
}

sub _slurp {
    my ($path) = @_;

    open my $in, '<', $path or croak "cannot read $path: $!";
    local $/;
    return scalar <$in>;
}

sub stop {
    my ($self) = @_;
    $_->stop for values %{$self->{process}};
    return;
}

sub dir           { return $_[0]{dir} }
sub emulator_port { return $_[0]{emulator_port} }
sub app_port      { return $_[0]{app_port} }

# Of the emulator's settings: audience, public_key, secret_key, private_keys.
sub para {
    my ($self, $name) = @_;
    return $self->{para}{$name};
}

# A control request; croaks with what the server says if that is not a 200.
sub _control {
    my ($self, $server, $method, $path, $body) = @_;

    my $port     = $self->{"${server}_port"};
    my $response = $self->{http}->request(
        $method,
        "http://127.0.0.1:$port$path",
        {   headers => {'Content-Type' => 'application/json'},
            (defined $body ? (content => $JSON->encode($body)) : ()),
        }
    );

    croak "$server: $method $path: $response->{status} $response->{content}"
        if $response->{status} != 200;

    return $JSON->decode($response->{content});
}

# -> verificationToken, sessionCookie, exportedSession, jwt, userId, user...
sub login {
    my ($self, $user, %options) = @_;
    return $self->_control(emulator => POST => '/_emulator/login',
        {%options, user => $user});
}

# Takes what login() returned, or a verification token.
sub end_session {
    my ($self, $login) = @_;
    my $token = ref $login ? $login->{verificationToken} : $login;
    return $self->_control(emulator => POST => '/_emulator/end',
        {verificationToken => $token});
}

sub fault {
    my ($self, $path, $mode, %options) = @_;
    return $self->_control(emulator => POST => '/_emulator/fault',
        {%options, path => $path, mode => $mode});
}

sub calls {
    my ($self) = @_;
    return $self->_control(emulator => GET => '/_emulator/calls');
}

# Rotates keys, as "para-emulator --help" says: rotate, hidden, publish,
# withdraw, cache_control, set -> kid, published, hidden, etag, cache_control.
sub change_keys {
    my ($self, %what) = @_;
    my $keys = $self->_control(emulator => POST => '/_emulator/keys', \%what);
    $self->_read_state;
    return $keys;
}

# One more port, which is returned; with TLS if there are cert and key.
# Options: port (a free one), cert, key.
sub add_port {
    my ($self, %options) = @_;
    my $port = delete $options{port} // 0;
    return $self->_control(emulator => POST => '/_emulator/listen',
        {%options, listen => "127.0.0.1:$port"})->{port};
}

sub remove_port {
    my ($self, $port) = @_;
    $self->_control(emulator => POST => '/_emulator/listen',
        {stop => $port});
    return;
}

# Faults and counters; if told so, sessions (sessions => 1), and the keys are
# those of the start again (keys => 1).
sub reset_emulator {
    my ($self, %options) = @_;
    my $answer = $self->_control(emulator => POST => '/_emulator/reset',
        \%options);
    $self->_read_state if $options{keys};
    return $answer;
}

sub app_count {
    my ($self) = @_;
    return $self->_control(app => GET => '/_app/count')->{count};
}

sub app_calls {
    my ($self) = @_;
    return $self->_control(app => GET => '/_app/calls')->{requests};
}

sub reset_app {
    my ($self) = @_;
    return $self->_control(app => POST => '/_app/reset');
}

1;
