#!/usr/bin/perl

# Renewals check Para's certificate by themselves, whatever is trusted where
# requests ask; where they do not reach Para, requests take their own way.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaRenewal;
use ParaTls;
use Test::More;

use Time::HiRes qw(sleep time);

make_certificates();

my $tls = tls_port('good');

# For the shipped location, so that it finds localhost at that port.
my $way = <<"CONF";
    server {
        listen 127.0.0.1:@{[free_ports() + 9]};
        location / { proxy_pass https://localhost:$tls; }
    }
CONF

sub trusting {
    my ($ca, %option) = @_;

    return renewing_gateway(
        api      => "https://localhost:$tls",
        provider => "        jwks_trusted_certificate $PARA_DIR/$ca.crt;\n",
        trust    => 'trusted',
        http     => $way,
        %option
    );
}

{
    my $nginx = trusting('trusted', valid => 8);
    my $login = login('alice');

    reset_para();
    known($nginx, credentials($login));
    my $before = calls()->{connections};
    my @answers = busy($nginx, credentials($login), 26);

    is(waits(@answers), 0, 'TLS: renewed');
    my @renewals = renewals();
    cmp_ok(scalar @renewals, '>=', 3, 'TLS: again and again');
    is($renewals[0]{tls}{server_name}, 'localhost', 'TLS: with its name');
    cmp_ok(calls()->{connections} - $before, '<=', 2,
        'TLS: over one connection');
    is_deeply([error_lines($nginx)], [], 'TLS: no errors');
    is_healthy($nginx, 'TLS');
    $nginx->stop;
}

# Requests take a way of their own, and are not in trouble.
my %trouble = (
    'a certificate of another CA' => {
        start => sub { trusting('foreign', valid => 2) },
        why   => qr/certificate/,
    },
    'a firewall' => {
        start => sub {
            return trusting(
                'trusted',
                valid => 2,
                api   => 'https://localhost',
                http  => "upstream localhost { server 127.0.0.1:$tls; }"
            );
        },
        why => qr/onnect/,
    },
);

for my $name (sort keys %trouble) {
    my $nginx  = $trouble{$name}{start}->();
    my @logins = map { login('alice') } 1 .. 8;

    reset_para();
    known($nginx, credentials($_)) for @logins;

    my @answers;
    my $end = time + 9;
    while (time < $end) {
        push @answers, map { get($nginx->{port}, '/', credentials($_)) }
            @logins;
        sleep 0.05;
    }

    is(scalar renewals(), 0, "$name: nothing is sent");
    is_deeply(answers_by(status => @answers), {200 => scalar @answers},
        "$name: all let in");
    my $missed = answers_by(cache => @answers)->{MISS};
    cmp_ok($missed, '>=', 24, '... who ask when its time is over');
    is(para_calls(VERIFY), 8 + $missed, '... each once');

    my @errors = error_lines($nginx);
    is(scalar @errors, 1, '... and one line says it');
    like($errors[0], qr/sessions of provider "app" cannot be renewed/,
        '... of renewal');
    like($errors[0], $trouble{$name}{why}, '... and why');
    is_healthy($nginx, $name);
    $nginx->stop;
}

# A connection that others' CAs vouch for is not one's own.
{
    my $nginx = trusting(
        'trusted',
        valid => 3,
        http  => $way . para_provider(
            name  => 'other',
            api   => "https://localhost:$tls",
            lines => "        jwks_trusted_certificate $PARA_DIR/foreign.crt;"
        ),
        server => <<"CONF" . verify_location() =~ s/app verify/other verify/r
        location /other { para_auth other; proxy_pass $APP_URL; }
CONF
            =~ s{/_para_auth/verify}{/_para_auth/verify_other}r
            =~ s{/etc/ssl/certs/ca-certificates.crt}{$PARA_DIR/trusted.crt}r,
    );
    my ($ours, $theirs) = (login('alice'), login('bob'));

    reset_para();
    my $end = time + 12;
    my @theirs;
    while (time < $end) {
        get($nginx->{port}, '/', credentials($ours));
        push @theirs, get($nginx->{port}, '/other', credentials($theirs));
        sleep 0.05;
    }

    my @renewals = renewals();
    cmp_ok(scalar @renewals, '>=', 3, 'two CAs, one host: renewed by one');
    is(scalar(grep { index($_->{body}, $theirs->{verificationToken}) >= 0 }
            @renewals),
        0, 'two CAs, one host: not by the other');
    is_deeply(answers_by(status => @theirs), {200 => scalar @theirs},
        'two CAs, one host: all let in');
    like(join("\n", error_lines($nginx)),
        qr/\A[^\n]*provider "other" cannot be renewed[^\n]*\z/,
        'two CAs, one host: one line');
    is_healthy($nginx, 'two CAs, one host');
    $nginx->stop;
}

done_testing();
