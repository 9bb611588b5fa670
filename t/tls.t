#!/usr/bin/perl

# TLS to Para as the shipped location has it: who answers must be Para, by a
# certificate of its name from a CA that is trusted, and is told that name.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaTls;
use Test::More;

make_certificates();

my %port = map { $_ => tls_port($_) } qw(good name stranger expired self);

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

    my ($call) = para_requests('/sessions/verify');
    is($call->{tls}{server_name}, 'localhost', 'Para is told its name');
    like($call->{tls}{version}, qr/\ATLSv1_[23]\z/, '... in current TLS');
    $nginx->stop;
}

my %BAD = (
    name     => 'a certificate of another name',
    stranger => 'a certificate of another CA',
    expired  => 'a certificate that has ended',
    self     => 'a certificate of its own making',
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

done_testing();
