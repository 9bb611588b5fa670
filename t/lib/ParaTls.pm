package ParaTls;

# Certificates, good and bad ones, and Para behind them.
#
#   use ParaTest;
#   use ParaTls;
#
#   make_certificates();
#   my $port = tls_port('good');
#   ... "api https://localhost:$port;" and $PARA_DIR/trusted.crt
#
# All files are in PARA_DIR: NAME.crt and NAME.key.

use strict;
use warnings;

use Carp        qw(croak);
use Exporter    qw(import);
use Time::HiRes qw(sleep);

use ParaTest;

our @EXPORT = qw(make_ca make_certificate make_self_signed make_certificates
    tls_port tls_front);

use constant NEW_KEY => 'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 '
    . '-nodes';

sub _openssl {
    my ($command) = @_;
    system("cd $PARA_DIR && openssl $command 2>openssl.log") == 0
        or croak "openssl $command failed";
    return;
}

sub make_ca {
    my ($name) = @_;
    _openssl(NEW_KEY . " -x509 -days 2 -subj '/CN=$name' "
            . "-keyout $name.key -out $name.crt");
    return;
}

# A certificate for a name as in "DNS:localhost" or "IP:127.0.0.1", or several
# with commas, signed by a CA; days 0: it ends at once.
sub make_certificate {
    my ($name, $ca, $for, $days) = @_;

    put_file("$name.ext", "subjectAltName=$for\n");
    _openssl(NEW_KEY . " -subj '/CN=$name' -keyout $name.key "
            . "-out $name.csr");
    _openssl("x509 -req -in $name.csr -CA $ca.crt -CAkey $ca.key "
            . "-CAcreateserial -days $days -extfile $name.ext -out $name.crt");
    return;
}

# Its own CA, and no CA at all.
sub make_self_signed {
    my ($name, $for) = @_;
    _openssl(NEW_KEY . " -x509 -days 2 -subj '/CN=$name' "
            . "-addext 'subjectAltName=$for' "
            . "-addext 'basicConstraints=critical,CA:FALSE' "
            . "-keyout $name.key -out $name.crt");
    return;
}

# What most suites want: the CAs "trusted" and "foreign", and for localhost
#   good      of the trusted CA; also for 127.0.0.1
#   name      the same CA, another name
#   stranger  of the foreign CA
#   expired   has ended
#   self      signed by itself
sub make_certificates {
    make_ca($_) for qw(trusted foreign);

    make_certificate('expired',  'trusted', 'DNS:localhost',       0);
    make_certificate('good',     'trusted', 'DNS:localhost,IP:127.0.0.1', 2);
    make_certificate('name',     'trusted', 'DNS:other.localhost', 2);
    make_certificate('stranger', 'foreign', 'DNS:localhost',       2);
    make_self_signed('self', 'DNS:localhost');

    # The second in which it ends is still its own.
    sleep 1.1;

    return;
}

# A port of the emulated Para with a certificate by its name; of $para, if it
# is not the first (second_para()).  Options of para_listen() may follow.
sub tls_port {
    my ($name, %options) = @_;

    my $para = delete $options{para};
    my @listen = (
        cert => "$PARA_DIR/$name.crt",
        key  => "$PARA_DIR/$name.key",
        %options
    );

    return $para ? $para->add_port(@listen) : para_listen(@listen);
}

# A port of an nginx before the emulated Para, which speaks HTTP/2 where the
# client does, and tells Para in X-Protocol.  Faults that are not HTTP's are a
# 502 behind it.
sub tls_front {
    my ($name) = @_;

    # It is none of the module's business.
    local $ENV{TEST_NGINX_LOAD_MODULES} = '';

    my $port = free_ports() + 1;
    start_nginx(
        port => $port - 1,
        http => <<"CONF");
    server {
        listen 127.0.0.1:$port ssl http2;
        ssl_certificate $PARA_DIR/$name.crt;
        ssl_certificate_key $PARA_DIR/$name.key;
        location / {
            proxy_pass $PARA_URL;
            proxy_set_header X-Protocol \$server_protocol;
        }
    }
CONF

    return $port;
}

1;
