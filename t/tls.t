#!/usr/bin/perl

# TLS to Para as the shipped location has it: who answers must be Para, by a
# certificate of its name from a CA that is trusted, and is told that name.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Time::HiRes qw(sleep);

sub openssl {
    my ($command) = @_;
    system("cd $PARA_DIR && openssl $command 2>openssl.log") == 0
        or BAIL_OUT("openssl $command failed");
    return;
}

sub make_ca {
    my ($name) = @_;
    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
            . "-days 2 -subj '/CN=$name' -keyout $name.key -out $name.crt");
    return;
}

# A certificate for a host, signed by a CA; days 0: it ends at once.
sub make_certificate {
    my ($name, $ca, $host, $days) = @_;

    put_file("$name.ext", "subjectAltName=DNS:$host\n");
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
            . "-subj '/CN=$host' -keyout $name.key -out $name.csr");
    openssl("x509 -req -in $name.csr -CA $ca.crt -CAkey $ca.key "
            . "-CAcreateserial -days $days -extfile $name.ext -out $name.crt");
    return;
}

make_ca($_) for qw(trusted foreign);
make_certificate('good',    'trusted', 'localhost',       2);
make_certificate('name',    'trusted', 'other.localhost', 2);
make_certificate('stranger', 'foreign', 'localhost',      2);
make_certificate('expired', 'trusted', 'localhost',       0);
sleep 1.1;

my %port;
@port{qw(good name stranger expired)} = map { free_ports() + 10 * $_ } 1 .. 4;

# An nginx without the module stands before the emulator and speaks TLS.
my $front = start_nginx(
    http => join "\n",
    "log_format sni '\$ssl_server_name \$ssl_protocol';",
    map { <<"CONF" } sort keys %port
    server {
        listen 127.0.0.1:$port{$_} ssl;
        ssl_certificate $PARA_DIR/$_.crt;
        ssl_certificate_key $PARA_DIR/$_.key;
        access_log $PARA_DIR/$_.log sni;
        location / { proxy_pass $PARA_URL; }
    }
CONF
);

sub gateway {
    my ($name, %options) = @_;

    (my $http = http_config()) =~ s{api \S+;}{api https://localhost;};
    (my $verify = verify_location())
        =~ s{(proxy_ssl_trusted_certificate\s+)\S+;}{$1$PARA_DIR/trusted.crt;};
    $verify =~ s{$_}{$options{edit}{$_}} for keys %{$options{edit} // {}};

    return start_nginx(
        http => $http . <<"CONF",
    upstream localhost { server 127.0.0.1:$port{$name}; keepalive 4; }
CONF
        server => <<"CONF" . $verify);
        para_auth app;
        location / { proxy_pass $APP_URL; }
CONF
}

{
    my $nginx = gateway('good');

    for my $n (1 .. 3) {
        my $answer = get($nginx->{port}, '/', credentials(login('alice')));
        is($answer->{status}, 200, "Para's own certificate, call $n");
    }

    open my $in, '<', "$PARA_DIR/good.log" or die "good.log: $!";
    my @lines = <$in>;
    like($lines[0], qr/\Alocalhost TLSv1\.[23]$/, 'Para is told its name');
    $nginx->stop;
}

my %BAD = (
    name     => 'a certificate of another name',
    stranger => 'a certificate of another CA',
    expired  => 'a certificate that has ended',
);

for my $name (sort keys %BAD) {
    my $nginx = gateway($name);

    reset_para();
    reset_app();

    my $answer = get($nginx->{port}, '/', credentials(login('alice')));
    is($answer->{status}, 503, "$BAD{$name}: refused");
    ok($answer->{header}{'retry-after'}, "$BAD{$name}: to be tried again");
    is(app_count(), 0, "$BAD{$name}: nothing at the app");
    is(para_calls('/sessions/verify'), 0, "$BAD{$name}: neither key nor token");
    $nginx->stop;
}

# That it was the check that refused, not something else.
{
    my $nginx = gateway('name',
        edit => {'proxy_ssl_verify\s+on' => 'proxy_ssl_verify off'});
    is(get($nginx->{port}, '/', credentials(login('alice')))->{status},
        200, 'without the check all pass');
    $nginx->stop;
}

$front->stop;
done_testing();
