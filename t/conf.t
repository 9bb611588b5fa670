#!/usr/bin/perl

# What "nginx -t" takes, and what it refuses with which words: a table of
# configurations that cannot work, and of some that can.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use Test::More;

use Crypt::PK::ECC ();
use Crypt::PK::RSA ();
use JSON::PP       qw(decode_json encode_json);
use MIME::Base64   qw(encode_base64url);

use constant {
    NAMED_KEYS   => 33,
    SMALL_RSA    => 128,
    LARGE_RSA    => 640,
    RSA_E        => 65537,
    SECRET_MAX   => 4096,
    JWKS_MAX     => 65536,
    SHORT_SECRET => 31,
    KID_MAX      => 256,
};

my $EXAMPLES = "$FindBin::Bin/../conf-examples";
my $VERIFY   = verify_location();
my $TOUCH    = touch_location();
my $WALLETS  = wallets_location();


# ---- Parts of configurations ----------------------------------------------

# The lines of a provider that is good; the arguments replace some of them, or
# take them away (undef), or add others.
sub provider_lines {
    my (%changed) = @_;

    my %lines = (
        api             => "api $PARA_URL;",
        audience        => "audience $PARA_AUDIENCE;",
        secret_key_file => "secret_key_file $PARA_DIR/secret.key;",
        key_file        => "key_file $PARA_DIR/jwks.json;",
        %changed,
    );

    return join "\n", map { '        ' . $lines{$_} }
        grep { defined $lines{$_} } sort keys %lines;
}

sub zone { return "    para_auth_zone para:4m;\n" }

sub provider {
    my (%changed) = @_;
    return "    para_auth_provider app {\n"
        . provider_lines(%changed) . "\n    }\n";
}

sub http { return zone() . provider(@_) }

# An issuer of the operator's own, from its lines.
sub issuer {
    my (@lines) = @_;
    return join "\n", 'issuer backend {', @lines, '}';
}

sub own_keys { return "key_file $PARA_DIR/own.jwks.json;" }

my $KEY = 'proxy_set_header X-External-API-Key $para_auth_secret_key;';

# A marked location with a good proxy_pass, and what else is in it.
sub marked {
    my (@lines) = @_;
    return join "\n", 'location = /v {', 'para_auth_upstream app verify;',
        'para_auth off;', $KEY,
        'proxy_pass $para_auth_api/sessions/verify;', @lines, '}';
}

sub keys_file {
    my ($name, @keys) = @_;
    return 'key_file '
        . put_file($name, encode_json({keys => \@keys}), oct '0400') . ';';
}

my $PARA_JWKS = decode_json(slurp("$PARA_DIR/jwks.json"))->{keys};
my $PARA_KEY  = $PARA_JWKS->[0];
my $OWN_KEYS  = decode_json(slurp("$PARA_DIR/own.jwks.json"))->{keys};
my ($OWN_RSA, $OWN_EC) = @$OWN_KEYS;
my ($OWN_HMAC) =
    @{decode_json(slurp("$PARA_DIR/own-hmac.jwks.json"))->{keys}};

sub without {
    my ($key, @names) = @_;
    my %copy = %$key;
    delete @copy{@names};
    return \%copy;
}

sub rsa_jwk {
    my ($bytes, %members) = @_;
    my $rsa = Crypt::PK::RSA->new;
    $rsa->generate_key($bytes, RSA_E);
    return {%{$rsa->export_key_jwk('public', 1)}, kid => "rsa-$bytes",
        %members};
}


# ---- Checks ---------------------------------------------------------------

sub check {
    my ($parts) = @_;
    return check_nginx(
        http   => $parts->{http}   // http(),
        server => $parts->{server} // "para_auth app;\n$VERIFY",
    );
}

# Refused, with this message, and with the place that it is about.
sub refused {
    my ($name, $message, %parts) = @_;

    my ($good, $output) = check(\%parts);
    my ($line, @more) = grep {/\[emerg\]/} split /\n/, $output;

    subtest "refused: $name" => sub {
        ok(!$good, 'nginx -t fails');
        like($line // $output, $message, 'the message');
        like($line // $output, qr/nginx\.conf:\d+/, 'the file and the line');
        is(scalar @more, 0, 'one message');
    };
    return;
}

# Accepted; with this one warning, or without any.
sub accepted {
    my ($name, $warning, %parts) = @_;

    my ($good, $output) = check(\%parts);
    my @lines = grep {/\[warn\]|\[emerg\]/} split /\n/, $output;

    subtest "accepted: $name" => sub {
        ok($good, 'nginx -t succeeds') or diag($output);
        is(scalar @lines, defined $warning ? 1 : 0, 'how many warnings')
            or diag("@lines");
        like("@lines", $warning, 'the warning') if defined $warning;
    };
    return;
}


# ---- Zone, provider, layers -----------------------------------------------

accepted('the smallest', undef);
accepted('nothing of ours at all', undef, http => '', server => '');
accepted('a provider that nobody uses', undef, server => '');

refused('no zone', qr/no zone .* add "para_auth_zone para:16m;" to http\{\}/,
    http => provider());
refused('two zones', qr/"para_auth_zone" .*is duplicate, one zone serves all/,
    http => zone() . http());
refused("a zone \"$_\"", qr/takes a name and a size, as in "para:16m"/,
    http => "para_auth_zone $_;" . provider())
    for 'para', ':4m';
refused("a zone \"$_\"", qr/is no size for a zone, give at least 128k/,
    http => "para_auth_zone $_;" . provider())
    for 'para:', 'para:1k', 'para:much', 'para:-4m';

refused('an unknown provider',
    qr/para_auth .*unknown provider "apq": add "para_auth_provider apq \{/,
    server => "para_auth apq;\n$VERIFY");
refused('a provider with no name for para_auth',
    qr/"para_auth" .*takes the name of a provider, or "off"/,
    server => "para_auth \"\";\n$VERIFY");
refused("a provider named \"$_\"",
    qr/"para_auth \Q$_\E;" names no provider, give this one another name/,
    http => zone() . "para_auth_provider \"$_\" {\n" . provider_lines() . '}',
    server => '')
    for '', 'off';
refused('two providers of one name', qr/provider "app" is there twice, give/,
    http => http() . provider());
refused('an unknown layer',
    qr/unknown layer "jwr", it is "jwt" or "session"; none stands for both/,
    server => "para_auth app jwr;\n$VERIFY");
refused('a layer twice', qr/names a layer twice/,
    server => "para_auth app jwt jwt;\n$VERIFY");
refused('off and a layer', qr/takes nothing beside "off"/,
    server => 'para_auth off jwt;');
refused('para_auth twice', qr/"para_auth" .*is duplicate/,
    server => "para_auth app;\npara_auth off;\n$VERIFY");

accepted('the provider behind the server', undef,
    http => zone() . "server { para_auth app; $VERIFY }\n" . provider(),
    server => '');
accepted('all contexts', undef,
    http => http() . "para_auth off;\n",
    server => join "\n", 'para_auth app session;',
    'location /a { para_auth app jwt;',
    'limit_except GET { para_auth app jwt session; } }',
    'location /b { para_auth off; }', $VERIFY);


# ---- Inside the provider --------------------------------------------------

refused('no environment',
    qr/provider "app" does not say where Para is: write "environment beta;"/,
    http => http(api => undef));
refused('an unknown environment',
    qr/unknown environment "prod", it is one of "beta", "production" and/,
    http => http(api => 'environment prod;'));
refused('environment and api', qr/duplicate or stands beside "environment"/,
    http => http(api => "environment beta;\napi $PARA_URL;"));
refused('api and environment', qr/duplicate or stands beside "api", give one/,
    http => http(api => "api $PARA_URL;\nenvironment beta;"));
refused("api $_", qr/takes a URL as "https:\/\/api\.example\.com"/,
    http => http(api => "api $_;"))
    for 'api.example.com', 'ftp://api.example.com', 'HTTPS://127.0.0.1';
refused('api with a slash at its end', qr/takes a URL without a slash/,
    http => http(api => "api $PARA_URL/;"));
refused("api $_", qr/in "\Q$_\E" in/, http => http(api => "api $_;"))
    for 'http://127.0.0.1:99999', 'https://:443', 'https://a:b';
refused("api $_", qr/would send the secret key and sessions in the clear: use/,
    http => http(api => "api $_;"))
    for 'http://api.example.com', 'http://127.0.0.1.example.com',
    'http://localhost.example.com', 'http://user@127.0.0.1', 'http://128.0.0.1',
    'http://10.0.0.1:8080', 'http://[::2]';

for my $api ('http://127.0.0.9:1', 'http://[::1]:1', 'https://127.0.0.1/para') {
    accepted("api $api", undef, http => http(api => "api $api;"));
}
my $localhost = "upstream localhost { server 127.0.0.1:1; }\n";
accepted('api http://localhost', undef,
    http => http(api => 'api http://localhost;') . $localhost);
refused('an upstream that a port keeps from being used',
    qr/nothing says where Para's host is: include para-auth-upstream-/,
    http => http(api => 'api http://localhost:1;') . $localhost);

refused('no audience',
    qr/provider "app" has no "audience": .*write the id of your API key/,
    http => http(audience => undef));
refused('two lines of audiences', qr/"audience" .*list all values in one/,
    http => http(audience => 'audience a; audience b;'));
refused("audience $_", qr/non-empty values, or "any" alone/,
    http => http(audience => "audience $_;"))
    for 'a any', '""', 'any any';
accepted('any audience', undef, http => http(audience => 'audience any;'));
accepted('two audiences', undef, http => http(audience => 'audience a b;'));

refused('no secret key where sessions are checked',
    qr/checks sessions, and provider "app" has no "secret_key_file"/,
    http => http(secret_key_file => undef));
accepted('no secret key where only JWTs are checked', undef,
    http => http(secret_key_file => undef), server => 'para_auth app jwt;');

sub secret {
    my ($content, $mode) = @_;
    return http(secret_key_file => 'secret_key_file '
            . put_file('a-secret', $content, $mode // oct '0400') . ';');
}

refused('a secret key that is not there',
    qr/"\S+\/nowhere" failed, it must be there and readable .*No such file/,
    http => http(secret_key_file => "secret_key_file $PARA_DIR/nowhere;"));
refused('a secret key that is a directory', qr/is not a regular file/,
    http => http(secret_key_file => "secret_key_file $PARA_DIR;"));
refused(
    sprintf('a secret key of mode %04o', $_),
    qr/its mode 0\d{3} lets every user at it: "chmod 0400" .*defaultMode: 0400/,
    http => secret("sec_x\n", $_)
) for oct '0404', oct '0402', oct '0644', oct '0777';
refused('an empty secret key', qr/has 0 bytes, 1 to 4096 are allowed/,
    http => secret(''));
refused('a long secret key', qr/has 4097 bytes, 1 to 4096 are allowed/,
    http => secret('k' x (SECRET_MAX + 1)));
refused("a secret key with $_->[0]", qr/must hold Para's secret API key and/,
    http => secret($_->[1]))
    for ['a space', "sec_a b\n"], ['two lines', "sec_a\nsec_b\n"],
    ['a NUL', "sec_a\0\n"], ['no text', "\n\r\n"], ['a umlaut', "sec_\xfc\n"];
accepted(
    sprintf('a secret key of mode %04o', $_), undef,
    http => secret("sec_x\r\n", $_)
) for oct '0400', oct '0600', oct '0640';

refused("a public key $_->[0]",
    qr/"public_key" of provider "app" must be Para's public API key, without/,
    http => http(public_key => "public_key \"$_->[1]\";"))
    for ['of nothing', ''], ['with a space', 'pub a'], ['umlaut', "pub_\xfc"];
refused('the secret key as the public one',
    qr/"public_key" of provider "app" is the secret API key: write the publi/,
    http => http(public_key => 'public_key '
            . (slurp("$PARA_DIR/secret.key") =~ s/\n//r) . ';'));
refused('two public keys', qr/"public_key" .*is duplicate/,
    http => http(public_key => 'public_key a; public_key b;'));

refused('an unknown directive', qr/unknown directive "jwks_url"/,
    http => http(more => 'jwks_url https://api.example.com/jwks;'));
refused('a directive of the http level',
    qr/"proxy_pass" directive is not allowed here/,
    http => http(more => 'proxy_pass http://127.0.0.1;'));
refused('a directive of the provider outside of it',
    qr/"secret_key_file" directive is not allowed here/,
    http => http() . "secret_key_file $PARA_DIR/secret.key;");
refused('a negative leeway', qr/"leeway" directive invalid value/,
    http => http(more => 'leeway -1s;'));
refused('a leeway of days', qr/provider "app": .*leeway is longer than a day/,
    http => http(more => 'leeway 25h;'));
accepted('a leeway', undef, http => http(more => 'leeway 0;'));


# ---- Issuers --------------------------------------------------------------

sub with_issuer {
    my (@lines) = @_;
    return http(audience => undef, key_file => undef,
        more => issuer(own_keys(), @lines));
}

accepted('an issuer', undef, http => with_issuer());
accepted('everything about an issuer', undef,
    http => with_issuer(
        'algorithms ES256 RS256;', 'iss https://backend.example;',
        'audience a b;',           'leeway 5s;',
        'claim user_id a b.c "d";', q{claim roles 'realm."a.b".roles';},
    ));
accepted('issuers in a file', undef,
    http => http(
        audience => undef,
        key_file => undef,
        more     => 'include '
            . put_file('issuer.conf', issuer(own_keys())) . ';'
    ));

refused('an issuer without keys', qr/issuer "backend" of provider "app" has no/,
    http => http(more => issuer('iss x;')));
refused('two issuers of one name', qr/issuer "backend" is there twice, give/,
    http => http(more => issuer(own_keys()) . issuer(own_keys())));
refused('nobody\'s tokens', qr/takes nobody's tokens: remove "para_issuer off;/,
    http => http(more => 'para_issuer off;', audience => undef,
        key_file => undef));
refused('an unknown algorithm',
    qr/unknown algorithm "none", the known ones are: RS256 RS384 .* HS512 in /,
    http => with_issuer('algorithms RS256 none;'));
refused('an algorithm in the wrong case', qr/unknown algorithm "rs256"/,
    http => with_issuer('algorithms rs256;'));
refused('algorithms twice', qr/"algorithms" .*is duplicate, list all in one/,
    http => with_issuer('algorithms RS256;', 'algorithms ES256;'));
refused('an algorithm that no key can serve',
    qr/provider "app": .*an algorithm that none of its keys can serve: list/,
    http => http(more =>
            issuer("key_file $PARA_DIR/own-ec.pem;", 'algorithms RS256;')));
refused('algorithms for Para\'s keys', qr/"algorithms" .*is not allowed here/,
    http => http(more => 'algorithms HS256;'));

# Key sets by URL.

my $JWKS = 'https://keys.example/jwks.json';

sub by_url {
    my ($url, @more) = @_;
    return http(audience => undef, key_file => undef,
        more => issuer("jwks_uri $url;", 'audience x;', @more));
}

accepted('Para\'s keys by URL', undef, http => http(key_file => undef));
accepted('an issuer\'s keys by URL', undef,
    http => by_url($JWKS, 'jwks_refresh 1h;', 'jwks_cooldown 1m;',
        'jwks_max_stale 2d;', 'algorithms ES256;'));

for ("http://127.0.0.2:81/k", 'http://[::1]/k', 'http://localhost/k') {
    accepted("keys from $_", undef, http => by_url($_));
}

for (
    ['http://keys.example/k',      'https'],
    ['http://127.0.0.1.example/k', 'https'],
    ['http://128.0.0.1/k',         'https'],
    ['ftp://keys.example/k',       'https'],
    ['keys.example/k',             'https'],
    ['https:///k',                 'host'],
    ['https://a:b@keys.example/k', 'user'],
    ['https://keys.example/k#x',   'fragment|#'],
    ['https://keys.example:0/k',   'port'],
    ['https://keys.example:65536/k', 'port'],
    ['"https://keys.example/a b"', 'byte'],
    ["https://keys.example/\xc3\xa9", 'byte'],
    ['https://keys.example/' . 'x' x 1024, 'long'],
    )
{
    my ($url, $word) = @$_;
    refused('keys from ' . substr($url, 0, 40), qr/the URL of a key set .*(?:$word).*: "/,
        http => by_url($url));
}

refused('keys by URL for everybody\'s tokens',
    qr/issuer "backend" .*has a "jwks_uri" and no "audience": who publishes/,
    http => http(more => issuer("jwks_uri $JWKS;")));
refused('two sources of keys', qr/has more than one source of keys: write/,
    http => by_url($JWKS, "key_file $PARA_DIR/own.jwks.json;"));
refused('a secret\'s algorithm by URL',
    qr/a jwks_uri allows a secret key's algorithm, .*: use hmac_key_file/,
    http => by_url($JWKS, 'algorithms ES256 HS256;'));
refused('a trusted certificate that is not there',
    qr/"\S+nowhere.crt" failed, it must be there and readable/,
    http => by_url($JWKS, 'jwks_trusted_certificate nowhere.crt;'));
refused('a trusted certificate that is none',
    qr/jwks_trusted_certificate "\S+": /,
    http => by_url($JWKS, 'jwks_trusted_certificate '
        . put_file('none.crt', "hello\n") . ';'));
refused('a cooldown of nothing', qr/"jwks_cooldown" must be more than 0 and/,
    http => by_url($JWKS, 'jwks_cooldown 0;'));
refused('a cooldown above the interval', qr/"jwks_cooldown" must be more than/,
    http => by_url($JWKS, 'jwks_cooldown 1h;'));
refused('keys that end before they are fetched again',
    qr/"jwks_max_stale" is shorter than "jwks_refresh": keys would be lost/,
    http => by_url($JWKS, 'jwks_max_stale 5m;'));
refused('one URL, two intervals',
    qr/key set "$JWKS" is fetched once for all who use it: give them the/,
    http => http(more => join "\n",
        issuer('iss a;', "jwks_uri $JWKS;", 'audience x;'),
        issuer('iss b;', "jwks_uri $JWKS;", 'audience x;', 'jwks_refresh 1h;')
            =~ s/issuer backend/issuer other/r));

refused('one URL, two issuers without iss',
    qr/issuers "other" and "backend" have one key set and no "iss" to tell/,
    http => http(more => join "\n",
        issuer("jwks_uri $JWKS;", 'audience x;'),
        issuer("jwks_uri $JWKS;", 'audience y;')
            =~ s/issuer backend/issuer other/r));
accepted('one URL, two issuers', undef,
    http => http(audience => undef, key_file => undef, more => join "\n",
        issuer('iss a;', "jwks_uri $JWKS;", 'audience x;'),
        issuer('iss b;', "jwks_uri $JWKS;", 'audience y;')
            =~ s/issuer backend/issuer other/r));

mkdir "$PARA_DIR/open";
chmod oct '0755', "$PARA_DIR/open";
refused('a state_path that others can read',
    qr/state_path "\S+open" is not a directory of mode 0700: who can write/,
    http => http(more => "state_path $PARA_DIR/open/;"));
refused('a state_path that is a file', qr/state_path "\S+" is not a directory/,
    http => http(more => 'state_path ' . put_file('file', 'x') . ';'));
mkdir "$PARA_DIR/busy", oct '0700';
put_file('busy/.profile', 'x');
refused('a state_path with another use',
    qr/state_path "\S+busy" has files that are not ours, .* name a directory/,
    http => http(more => "state_path $PARA_DIR/busy;"));
unlink "$PARA_DIR/busy/.profile";
put_file("busy/$_", 'x') for qw(ab12.jwks ab12.jwks.new revoked-app.lines);
accepted('a state_path that is used already', undef,
    http => http(more => "state_path $PARA_DIR/busy;"));
accepted('a state_path that is to be made', undef,
    http => http(more => "state_path $PARA_DIR/made;"));
is((stat "$PARA_DIR/made")[2] & oct '7777', oct '0700', 'made for nobody else');

refused('max_age 0', qr/"max_age" must be at least a second, leave it out/,
    http => with_issuer('max_age 0;'));
refused('typ twice', qr/"typ" .*is duplicate, list all in one/,
    http => with_issuer('typ JWT;', 'typ at+jwt;'));
refused('an empty type', qr/"typ" .*takes no empty value/,
    http => with_issuer('typ "";'));
refused('a claim that is no path', qr/"require_claim" .*takes claim paths, as/,
    http => with_issuer('require_claim a "b[";'));
refused('two kinds of key files', qr/"app" has more than one source of keys: w/,
    http => with_issuer("hmac_key_file $PARA_DIR/own-hmac.key;"));
refused('a short secret in a file', qr/hmac_key_file "\S+": its secret is shor/,
    http => http(more => issuer('hmac_key_file '
                . put_file('k', 'x' x SHORT_SECRET, oct '0400') . ';')));
refused('a secret file for everybody to read',
    qr/holds a secret, and its mode 0644 lets every user at it/,
    http => http(more => issuer('hmac_key_file '
                . put_file('k', 'x' x KID_MAX, oct '0644') . ';')));

# What everybody may have seen is not even in the memory of nginx.
{
    my $reads = "$PARA_DIR/reads.so";
    my ($asan) = `ldd $ENV{TEST_NGINX_BINARY}` =~ m{=> (/\S*/libasan\S*)};

    system(qw(cc -shared -fPIC -O1 -Wall -Werror -o),
        $reads, "$FindBin::Bin/helpers/reads.c") == 0
        or die "reads.c does not compile\n";
    local $ENV{LD_PRELOAD} = join ':', grep {defined} $asan, $reads;

    for my $mode (oct '0400', oct '0404') {
        my $pem = Crypt::PK::ECC->new->generate_key('secp256r1')
            ->export_key_pem('private');
        my %secret = (
            secret_key_file => [secret("sec_x\n", $mode)],
            hmac_key_file   => [
                http(more => issuer('hmac_key_file ' . put_file('a-hmac',
                            join('', map { chr ord('a') + $_ * 7 % 64 }
                                    1 .. 64), $mode) . ';'))
            ],
            para_auth_assertion => [
                http(), 'para_auth_assertion audience=a key='
                    . put_file('a-key', $pem, $mode) . ';'
            ],
        );
        for my $name (sort keys %secret) {
            my ($http, $lines) = @{$secret{$name}};
            my ($good, $output) = check(
                {   http   => $http,
                    server => "para_auth app;\n$VERIFY" . ($lines // '')
                }
            );
            like($output, qr/^read: \S+nginx\.conf$/m, "$name: what is read");
            if ($mode & oct '0007') {
                ok(!$good, "$name, for everybody: refused");
                unlike($output, qr/^read: \S+a-(?:secret|hmac|key)$/m,
                    "$name, for everybody: not read");
                next;
            }
            like($output, qr/^read: \S+a-(?:secret|hmac|key)$/m, "$name: read");
        }
    }
}

accepted('all that an issuer can be told', undef,
    http => http(audience => undef, key_file => undef,
        more => issuer("hmac_key_file $PARA_DIR/own-hmac.key;", 'max_age 10m;',
            'require_exp off;', 'require_claim sub groups[*].name;',
            'typ JWT at+jwt;', 'algorithms HS256;',
            'claim roles groups[*].name;', 'claim email mail;',
            'claim oauth_method provider;')));

refused('an unknown field',
    qr/unknown field "mail", it is one of user_id, internal_user_id, roles/,
    http => with_issuer('claim mail email;'));
refused('five paths', qr/"claim" .*takes at most 4 paths/,
    http => with_issuer('claim roles a b c d e;'));
refused('the path ' . $_, qr/is no claim path: write member names joined by/,
    http => with_issuer("claim roles $_;"))
    for '""', 'a..b', '.a', 'a.', 'a[', '[0]', 'a[x]', 'a[01]',
    q{'"a'}, q{'a"b"'}, 'x' x 300;

refused('two issuers with one iss',
    qr/two issuers have the same iss: put their keys into one/,
    http => http(
        more => issuer(own_keys(), 'iss x;') . 'issuer other {'
            . "key_file $PARA_DIR/own-rsa.pem; iss x; }"));
refused('two issuers without iss that share a kid',
    qr/without iss have keys with the same kid: set iss, or rename/,
    http => http(more => issuer(own_keys()) . 'issuer other {'
            . "key_file $PARA_DIR/own-rsa.jwks.json; }"));
refused('two issuers without iss and kid',
    qr/without iss have keys without kid for one algorithm: set iss, or give/,
    http => http(more => issuer("key_file $PARA_DIR/own-rsa.pem;")
            . "issuer other { key_file $PARA_DIR/own-rsa.pem; }"));
refused('two keys without kid in one issuer',
    qr/an issuer has two keys without kid for one algorithm: give/,
    http => http(
        more => issuer(
            'key_file '
                . put_file('two.pem', slurp("$PARA_DIR/own-rsa.pem") x 2) . ';'
        )));

accepted('Para\'s settings where Para\'s tokens are not taken',
    qr/takes only those of its issuers: remove them, or write "para_issuer on;/,
    http => http(more => issuer(own_keys())));
accepted('both', undef,
    http => http(more => issuer(own_keys(), 'iss x;') . 'para_issuer on;'));


# ---- Key files ------------------------------------------------------------

# Keys of the operator's own: the whole file is refused.
sub refused_keys {
    my ($name, $why, $content, $mode) = @_;
    refused("key file: $name", qr/"\S+\/k":? .*$why/,
        http => http(more => issuer('key_file '
                    . put_file('k', $content, $mode // oct '0400') . ';')));
    return;
}

# One key is left out with a warning, and the other one is used.
sub left_out {
    my ($name, $why, $key) = @_;
    my $kid = $key->{kid} // '';
    $kid = '' if $kid !~ /\D/ || length $kid > KID_MAX;
    accepted("key left out: $name",
        qr/a key \(kid "\Q$kid\E"\) is left out: .*$why/,
        http => http(audience => undef, key_file => undef,
            more => issuer(keys_file('k', $key, $OWN_EC))));
    refused("a file with that key only: $name", qr/key_file "\S+": .*$why/,
        http => http(audience => undef, key_file => undef,
            more => issuer(keys_file('k', $key))));
    return;
}

refused('a key file that is not there', qr/nowhere" failed, it must be there/,
    http => http(key_file => "key_file $PARA_DIR/nowhere;"));

refused_keys('empty',         'has 0 bytes, 1 to 65536',  '');
refused_keys('too large',     'has 65537 bytes, 1 to 65536 are allowed',
    ' ' x (JWKS_MAX + 1));
refused_keys('no JSON',       'it is no JSON object',     '{"keys":');
refused_keys('a member twice', 'has a member twice',
    '{"keys":[],"keys":[]}');
refused_keys('text',          'it is neither JSON nor PEM: give a JWK',
    'RSA key');
refused_keys('no keys',       'it has no key',            '{"keys":[]}');
refused_keys('keys no array', 'its "keys" is no array',   '{"keys":{}}');
refused_keys('33 keys', 'it has more than 32 keys',
    encode_json({keys => [map { {%$OWN_EC, kid => "k$_"} } 1 .. NAMED_KEYS]}));
refused_keys('a kid twice', 'two of its keys have the same kid: give each',
    encode_json({keys => [$OWN_EC, $OWN_EC]}));
refused_keys('secrets beside public keys',
    'it has secret keys beside public ones: give each kind an issuer',
    encode_json({keys => [$OWN_EC, $OWN_HMAC]}));
refused_keys('a private key', 'it holds a private key: give only the public',
    own_key('ES256')->export_key_pem('private'));
refused_keys('a PEM block of another kind',
    'it is neither a PUBLIC KEY nor a CERTIFICATE',
    "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
refused_keys('a PEM block that is cut off', 'cut off or no base64',
    substr slurp("$PARA_DIR/own-ec.pem"), 0, 100);
refused_keys('a secret for everybody to read',
    'holds a secret, and its mode 0644 lets every user at it',
    encode_json({keys => [$OWN_HMAC]}), oct '0644');

left_out('use', 'its use is not "sig"', {%$OWN_RSA, use => 'enc'});
left_out('key_ops', 'its key_ops have no "verify"',
    {%$OWN_RSA, key_ops => ['sign']});
left_out('kty', 'its kty is not supported', {%$OWN_RSA, kty => 'future'});
left_out('alg', 'its alg is not supported', {%$OWN_RSA, alg => 'RS1'});
left_out('alg of another kty', 'its alg does not fit its kty or curve',
    {%$OWN_RSA, alg => 'ES256'});
left_out('a member missing', 'a member that its kty requires is missing',
    without($OWN_RSA, 'n'));
left_out('no base64url', 'a member is no base64url', {%$OWN_RSA, e => 'AQAB='});
left_out('kid a number', 'its kid is no string, or an empty one',
    {%$OWN_RSA, kid => 1});
left_out('kid too long', 'its kid has more than 256 bytes',
    {%$OWN_RSA, kid => 'k' x (KID_MAX + 1)});
left_out('a private JWK', 'it is a private key: give only the public key',
    {%{own_key('RS256')->export_key_jwk('private', 1)}, kid => 'private'});
left_out('RSA of 1024 bits', 'fewer than 2048 bits', rsa_jwk(SMALL_RSA));
left_out('RSA of 5120 bits', 'more than 4096 bits',  rsa_jwk(LARGE_RSA));
left_out('e = 1', 'its RSA exponent is 1 or even', {%$OWN_RSA, e => 'AQ'});
left_out('e even', 'its RSA exponent is 1 or even', {%$OWN_RSA, e => 'AQAA'});
left_out('a short secret', 'its secret is shorter than 32 bytes',
    {%$OWN_HMAC, k => encode_base64url('k' x SHORT_SECRET)});
left_out('an unknown curve', 'its curve is not supported',
    {%{without($OWN_EC, 'kid')}, crv => 'P-224'});
left_out('a point that is not on the curve', 'its coordinates are no point',
    {%{without($OWN_EC, 'y')}, kid => 'off', y => $OWN_EC->{x}});

refused('a secret key among Para\'s',
    qr/it holds a private or secret key: whoever publishes it must replace/,
    http => http(key_file => keys_file('k', $PARA_KEY, $OWN_HMAC)));
refused('a private key among Para\'s',
    qr/it holds a private or secret key: whoever publishes it must replace/,
    http => http(key_file => keys_file('k', $PARA_KEY, para_key(1))));
refused('no RSA key among Para\'s',
    qr/an algorithm that none of its keys can serve/,
    http => http(key_file => keys_file('k', $OWN_EC)));


# ---- Claims as variables --------------------------------------------------

# Lines for the http block, and for the server.
sub claims { return (http => http() . "    $_[0]\n", uses($_[1] // '')) }
sub uses   { return (server => "para_auth app jwt;\n$_[0]\n") }

my $SETS_32 = join "\n", map {"para_auth_claim_set \$c$_ a.c$_;"} 1 .. 32;

accepted('claims by name and by path', undef,
    claims('para_auth_claim_set $Plan account."a.b"[0].x; '
            . 'para_auth_claim_set $plan_too plan;',
        'add_header X $para_auth_claim_plan$plan$plan_too;'));
accepted('a claim that nobody uses', undef,
    claims('para_auth_claim_set $plan plan;'));
accepted('claims, and no provider', undef,
    http   => 'para_auth_claim_set $plan plan;',
    server => 'add_header X $para_auth_claim_plan$plan;');
accepted('32 claims', undef, claims($SETS_32));
accepted('one of 32 claims twice', undef,
    claims("$SETS_32 para_auth_claim_set \$twice a.c32;"));

refused('the 33rd claim',
    qr/"x" is one claim too many: variables can show 32 of them, with para_/,
    claims("$SETS_32 para_auth_claim_set \$more x;"));
refused('the 33rd claim, by its name',
    qr/"plan" is one claim too many: variables can show 32 of them/,
    claims($SETS_32, 'add_header X $para_auth_claim_plan;'));
refused("the claim path $_", qr/"\S*" is no claim path: write member names jo/,
    claims("para_auth_claim_set \$plan $_;"))
    for '""', 'a..b', 'a[', '[0]', q{'"a'};
refused('a claim without a name',
    qr/"" is no claim path: write member names/,
    uses('add_header X "$para_auth_claim_";'));
refused("the variable $_", qr/invalid variable "\Q$_\E", write its name as "\$c/,
    claims("para_auth_claim_set $_ plan;"))
    for 'plan', '$', '$a-b', '${plan}', '$1', '$9plan';
refused("the variable $_",
    qr/variable "\Q$_\E" is nginx's, this module's or defined before: give the/,
    claims("para_auth_claim_set $_ plan;"))
    for '$uri', '$URI', '$args', '$limit_rate', '$arg_plan', '$http_plan',
    '$para_auth_user_id', '$para_auth_claim_plan', '$para_auth_mine';
refused('a variable twice', qr/"\$Plan" is nginx's, this module's or defined b/,
    claims('para_auth_claim_set $plan plan; para_auth_claim_set $Plan x;'));
refused('the variable of a map', qr/"\$plan" is nginx's, this module's or defin/,
    claims('map $uri $plan { default 1; } para_auth_claim_set $plan plan;'));
refused('a map into it', qr/the duplicate "plan" variable/,
    claims('para_auth_claim_set $plan plan; map $uri $plan { default 1; }'));
refused('set', qr/the duplicate "plan" variable/,
    claims('para_auth_claim_set $plan plan;', 'set $plan 1;'));
refused('set, of a claim by its name',
    qr/"\$para_auth_claim_plan" is a claim of the JWT, and is defined otherwis/,
    uses('set $para_auth_claim_plan 1; add_header X $para_auth_claim_plan;'));
refused('in a server', qr/"para_auth_claim_set" directive is not allowed here/,
    uses('para_auth_claim_set $plan plan;'));


# ---- The way to Para ------------------------------------------------------

refused('no way to Para',
    qr/checks sessions, and the server in \S+:\d+ has no way .*para-auth-verify\.conf/,
    server => 'para_auth app;');
refused('a server that inherits what it has no way for',
    qr/and the server in \S+:(\d+) has no way/,
    http   => http() . 'para_auth app;',
    server => "server_name with;\n$VERIFY\n}\nserver {\nserver_name without;");
refused('no way to Para from the location that needs one', qr/no way to Para/,
    server => 'location /a { para_auth app session; }');
refused('a way for another provider', qr/no way to Para for "app": include/,
    http => http() . "para_auth_provider other {\n" . provider_lines() . '}',
    server => "para_auth app;\nlocation = /v {\n"
        . "para_auth_upstream other verify; para_auth off; $KEY"
        . 'proxy_pass $para_auth_api/x; }');
refused('a way for nobody', qr/para_auth_upstream .*unknown provider "apq"/,
    server => 'location = /v { para_auth_upstream apq verify; }');
refused('an unknown endpoint',
    qr/unknown endpoint "login", it is one of "verify", "touch" and "wallets"/,
    server => 'location = /v { para_auth_upstream app login; }');
refused("in a location \"$_\"",
    qr/stands in an exact location only, as in "location = \/_para_auth/,
    server => "location $_ { para_auth_upstream app verify; }")
    for '/v', '~ ^/v$', '^~ /v', '@v';
refused('marked twice', qr/is duplicate, mark another location/,
    server => marked('para_auth_upstream app verify;'));
refused('two ways', qr/another location for "app verify" already, remove one/,
    server => marked() . $VERIFY);
refused('in a server', qr/"para_auth_upstream" directive is not allowed here/,
    server => 'para_auth_upstream app verify;');

my $AT = qr/para_auth_upstream in location "\/v" in \S+:\d+: /;

refused('nothing that passes', qr/${AT}it has no proxy_pass to Para: write/,
    server => 'location = /v { para_auth_upstream app verify; }');
refused('a cache', qr/${AT}an answer from a cache is no verdict: write/,
    http => http() . "proxy_cache_path $PARA_DIR/cache keys_zone=c:1m;",
    server => "proxy_cache c;\n" . marked());
refused('a store', qr/${AT}Para's answers must not be kept in files: write/,
    server => "proxy_store on;\n" . marked());
refused('error pages', qr/${AT}an error page is no verdict: write "proxy_inte/,
    server => "proxy_intercept_errors on;\n" . marked());
refused($_, qr/${AT}Para must get the request as it is: write "proxy_pass_requ/,
    server => "$_ off;\n" . marked())
    for 'proxy_pass_request_headers', 'proxy_pass_request_body';
refused("proxy_pass $_",
    qr/${AT}its proxy_pass leads to another host .*would get keys and se/,
    server => "location = /v { para_auth_upstream app verify; $KEY "
        . "proxy_pass $_; }")
    for 'http://127.0.0.2:80/sessions/verify',
    "http://127.0.0.2:$PARA_PORT/sessions/verify",
    'http://127.0.0.1:' . ($PARA_PORT + 1) . '/sessions/verify',
    "https://127.0.0.1:$PARA_PORT/sessions/verify";
accepted('a proxy_pass without a variable', undef,
    server => "location = /v { para_auth_upstream app verify; $KEY "
        . "proxy_pass $PARA_URL/sessions/verify; }");
refused('nobody sends the key', qr/${AT}Para would not know who asks: write/,
    server => 'location = /v { para_auth_upstream app verify; '
        . 'proxy_pass $para_auth_api/sessions/verify; }');
accepted('TLS that is not verified',
    qr/${AT}keys and sessions go to whoever answers: write/,
    http => http(api => 'api https://127.0.0.1:1;'), server => marked());



# ---- Exported sessions, wallets -------------------------------------------

sub http_public { return http(public_key => 'public_key pub_a;') }

my $PUBLIC = 'proxy_set_header X-External-API-Key $para_auth_public_key;';
my $COOKIE = 'proxy_set_header X-Capsule-Sid $para_auth_session_cookie;';

# A location marked for another endpoint than "verify"; good with these lines.
sub marked_for {
    my ($endpoint, @lines) = @_;
    return join "\n", 'location = /v {', "para_auth_upstream app $endpoint;",
        'para_auth off;', @lines, '}';
}

# For exported sessions.
my $ROOM = "large_client_header_buffers 4 32k;\n";

my @TOUCH = ($PUBLIC, $COOKIE, 'proxy_pass $para_auth_api/touch;');
my @WALLETS = ($KEY, 'proxy_pass $para_auth_api/wallets/verify;');

accepted('all three ways', undef,
    http   => http_public(),
    server => "para_auth app;\n$ROOM$VERIFY$TOUCH$WALLETS");
accepted('a way and a key for exported sessions that nobody wants', undef,
    http => http_public(),
    server => "para_auth app; para_auth_session_type token;\n$VERIFY$TOUCH");
accepted('a public key without a way', undef, http => http_public());

for my $type (qw(any exported)) {
    refused("$type without a public key",
        qr/takes exported sessions, and provider "app" has no "public_key"/,
        server => "para_auth app; para_auth_session_type $type;\n$VERIFY");
    refused("$type without a way",
        qr/takes exported sessions, and the server in \S+:\d+ has no way to Para/,
        http => http_public(),
        server => "para_auth app; para_auth_session_type $type;\n$VERIFY");
    accepted("$type with both", undef,
        http   => http_public(),
        server => "para_auth app; $ROOM para_auth_session_type $type;\n"
            . $VERIFY . $TOUCH);
    accepted("$type where no session counts", undef,
        server => "para_auth app jwt; para_auth_session_type $type;");
}
refused('the message names the file',
    qr/include para-auth-touch\.conf there, a location with "para_auth_upstream app t/,
    http => http_public(),
    server => "para_auth app session; para_auth_session_type any;\n$VERIFY");
refused('tokens without a way, beside exported sessions',
    qr/checks sessions, and the server in \S+:\d+ has no way .*para-auth-verify\.conf/,
    http => http_public(), server => "para_auth app;\n$TOUCH");
refused('tokens without a secret key, beside exported sessions',
    qr/checks sessions, and provider "app" has no "secret_key_file"/,
    http => http(public_key => 'public_key pub_a;', secret_key_file => undef),
    server => "para_auth app; para_auth_session_type any;\n$VERIFY$TOUCH");
accepted('exported sessions need no secret key', undef,
    http => http(public_key => 'public_key pub_a;', secret_key_file => undef),
    server => "para_auth app; para_auth_session_type exported;\n$ROOM$TOUCH");
refused('a type', qr/invalid value "blob"/,
    server => 'para_auth_session_type blob;');
refused('what becomes of signers', qr/invalid value "on"/,
    server => 'para_auth_exported_signer on;');
refused('a type twice', qr/"para_auth_session_type" .*is duplicate/,
    server => 'para_auth_session_type any; para_auth_session_type any;');

refused('a way to /touch without a public key',
    qr/para_auth_upstream in \S+:\d+: provider "app" has no "public_key" to as/,
    server => $TOUCH);
refused('a way to /wallets/verify without a secret key',
    qr/para_auth_upstream in \S+:\d+: provider "app" has no "secret_key_file"/,
    http => http(secret_key_file => undef), server => $WALLETS);
refused('two ways to /touch', qr/another location for "app touch" already/,
    http => http_public(), server => $TOUCH . marked_for('touch', @TOUCH));
accepted('ways of one\'s own', undef,
    http => http_public(),
    server => marked_for('touch', @TOUCH)
        . marked_for('wallets', @WALLETS) =~ s{/v}{/w}r);

refused('/touch without the public key',
    qr/${AT}Para would not know who asks: write .*\$para_auth_public_key;"/,
    http => http_public(), server => marked_for('touch', @TOUCH[1, 2]));
refused('/touch with the secret key',
    qr/${AT}Para would not know who asks: write .*\$para_auth_public_key;"/,
    http => http_public(), server => marked_for('touch', $KEY, @TOUCH[1, 2]));
refused('/touch without the cookie',
    qr/${AT}Para would not know of which session: write .*session_cookie;"/,
    http => http_public(), server => marked_for('touch', @TOUCH[0, 2]));
refused('/wallets/verify without the key',
    qr/${AT}Para would not know who asks: write .*\$para_auth_secret_key;"/,
    server => marked_for('wallets', $WALLETS[1]));

for (['touch', 'touch\?regenerate=false', @TOUCH],
    ['wallets', 'wallets/verify', @WALLETS])
{
    my ($endpoint, $path, @lines) = @$_;
    my $elsewhere = 'proxy_pass http://127.0.0.2:1/;';

    refused("$endpoint: nothing that passes",
        qr{${AT}it has no proxy_pass to Para: write "[^"]*_api/$path;"},
        http   => http_public(),
        server => marked_for($endpoint, @lines[0 .. $#lines - 1]));
    refused("$endpoint: another host",
        qr{${AT}its proxy_pass leads to another host .*_api/$path;"},
        http   => http_public(),
        server =>
            marked_for($endpoint, @lines[0 .. $#lines - 1], $elsewhere));
    refused("$endpoint: a cache of http{}",
        qr/${AT}an answer from a cache is no verdict: write/,
        http => http_public()
            . "proxy_cache_path $PARA_DIR/c keys_zone=c:1m; proxy_cache c;",
        server => marked_for($endpoint, @lines));
    refused("$endpoint: error pages of the server",
        qr/${AT}an error page is no verdict: write "proxy_inte/,
        http   => http_public(),
        server => "proxy_intercept_errors on;\n"
            . marked_for($endpoint, @lines));
}


refused("a credential under an identity's name: $_->[0]",
    qr/looks for a credential in the header "\S+", which is an identity header/,
    server => "$_->[1]\npara_auth app;\n$VERIFY")
    for ['default', 'para_auth_token $http_x_para_user_id;'],
    ['session', 'para_auth_session_token $http_X_Para.Roles;'],
    ['custom', 'para_auth_token $http_x_tok; para_auth_header X-Tok a;'],
    ['jwt only', "para_auth_token \$http_x_tok;\n"
        . 'location /a { para_auth app jwt; para_auth_header X-Tok a; }'];

my $CACHE = "proxy_cache_path $PARA_DIR/c keys_zone=c:1m;";

accepted('proxy_cache for all users',
    qr/"proxy_cache" in \S+:\d+ gives one user's answer to all: write a key/,
    http => http() . $CACHE,
    server => "location / { para_auth app; proxy_cache c; "
        . "proxy_pass $APP_URL; }\n$VERIFY");
accepted('proxy_cache by user', undef,
    http => http() . $CACHE,
    server => "location / { para_auth app; proxy_cache c; "
        . 'proxy_cache_key $para_auth_user_id$uri;'
        . "proxy_pass $APP_URL; }\n$VERIFY");
accepted('proxy_cache where nobody is', undef,
    http => http() . $CACHE,
    server => "location / { proxy_cache c; proxy_pass $APP_URL; }");

# ---- Credentials, cache, match, headers -----------------------------------

refused('a token source ' . $_,
    qr/"\Q$_\E" cannot be a source of credentials: use bearer, \$http_name/,
    server => "para_auth_token $_;")
    for '$http_', '$cookie_', 'Bearer', 'token', '$', '$arg_a$arg_b', '${arg_a}',
    'x$arg_a';
refused('bearer as a session', qr/"bearer" cannot be a source .*use \$http_na/,
    server => 'para_auth_session_token bearer;');
refused('what is found out as a source', qr/"\$para_auth_user_id" cannot be a sou/,
    server => 'para_auth_token $para_auth_user_id;');
refused("$_->[0] that cannot be removed",
    qr/$_->[1] in \S+nginx\.conf:\d+ looks in "\$arg_x", which cannot be removed/,
    server => "para_auth app;\n$_->[2]\n$VERIFY")
    for ['a token', 'para_auth_token', 'para_auth_token bearer $arg_x;'],
    ['a session', 'para_auth_session_token',
    "para_auth_session_token\n\$arg_x;"],
    ['the other layer\'s', 'para_auth_session_token',
    'para_auth_session_token $arg_x; location /a { para_auth app jwt; }'],
    [   'an inner level\'s', 'para_auth_token',
        "para_auth_forward_credentials on;\npara_auth_token \$arg_x;\n"
        . 'location /a { para_auth_forward_credentials off; }'
    ],
    [   'an outer level\'s', 'para_auth_token',
        'para_auth_forward_credentials on; location /a {'
        . 'para_auth_forward_credentials off; para_auth_token $arg_x; }'
    ];
refused('para_auth_forward_credentials maybe',
    qr/invalid value "maybe" in "para_auth_forward_credentials"/,
    server => 'para_auth_forward_credentials maybe;');
refused('para_auth_forward_credentials twice', qr/is duplicate/,
    server => 'para_auth_forward_credentials on;' x 2);
accepted('any source where nothing is removed', undef,
    server => "para_auth app; para_auth_forward_credentials on;\n"
        . "para_auth_token bearer \$arg_x; $VERIFY");
accepted('any source where nothing is protected', undef,
    server => 'para_auth_token $arg_token;');
refused('a token source ' . $_, qr/nginx reads this header itself; use/,
    server => "para_auth_token $_;")
    for '$http_authorization', '$http_cookie', '$http_host',
    '$http_content_length', '$http_user_agent';
refused("$_ twice", qr/"$_" .*is duplicate/,
    server => ("$_ \$http_x_a;\n" x 2))
    for qw(para_auth_token para_auth_session_token);
accepted('sources', undef,
    server => 'para_auth_token bearer $http_x_jwt $cookie_jwt;'
        . 'para_auth_session_token $http_x_sid $cookie_sid;');

refused("a cache parameter $_", qr/invalid parameter "\Q$_\E", it is "valid=ti/,
    server => "para_auth_session_cache $_;")
    for 'fresh=1h', 'refresh=1', 'refresh=', 'refresh=ON', 'valid', 'stale';
refused("a cache time $_", qr/invalid time in "valid=\Q$_\E", write one as/,
    server => "para_auth_session_cache \"valid=$_\";")
    for '', '-1', '30 seconds', '5 s', '99999999999999999999';
refused("a cache parameter twice, $_",
    qr/"para_auth_session_cache" .*duplicate/,
    server => "para_auth_session_cache $_;")
    for 'valid=1s valid=2s', 'stale=1s stale=1s', 'refresh=on refresh=off';
accepted('cache times', undef,
    server => 'para_auth_session_cache negative=0 valid=1h30m;');
accepted('all of the cache', undef, server =>
    'para_auth_session_cache refresh=off stale=5m negative=1s valid=10s;');

refused('a match', qr/invalid value "loose"/,
    server => 'para_auth_match loose;');
accepted("match $_",
    qr/"para_auth_match" in \S+:\d+ takes a JWT and a session that nothing sho/,
    server => "para_auth app; para_auth_match $_; location /a { }\n$VERIFY")
    for qw(present off);
accepted('match off with one layer', undef,
    server => 'para_auth app jwt; para_auth_match off;');
accepted('match strict', undef, server => 'para_auth_match strict;');

refused('a header alone', qr/takes "off", "default", or a name and a value/,
    server => 'para_auth_header X-User;');
refused("a header \"$_\"", qr/must consist of letters, digits and "-"/,
    server => "para_auth_header \"$_\" x;")
    for 'X_User', 'X User', 'X-User:', "X-\xc3\x9cser", 'X.User';
refused('a header without a name', qr/"para_auth_header" .*needs a name/,
    server => 'para_auth_header "" x;');
refused("a header $_", qr/header "$_" has a meaning of its own .*use a name li/,
    server => "para_auth_header $_ x;")
    for qw(Host Connection Content-Length Transfer-Encoding TE Upgrade
    Keep-Alive Trailer Authorization Proxy-Authorization COOKIE X-Para-Session
    x-capsule-session X-External-API-Key Expect);
refused('a header twice', qr/header "x-user" is there twice on this level/,
    server => 'para_auth_header X-User a; para_auth_header x-user b;');
refused('a header beside the default of that name',
    qr/header "X-Para-Roles" is there twice on this level/,
    server => 'para_auth_header X-Para-Roles a; para_auth_header default;');
refused("off $_->[0]", qr/"off" stands beside other headers of this level/,
    server => $_->[1])
    for ['behind a header', 'para_auth_header X-A a; para_auth_header off;'],
    ['before a header', 'para_auth_header off; para_auth_header X-A a;'],
    ['before the defaults', 'para_auth_header off; para_auth_header default;'];
accepted('headers', undef,
    server => 'para_auth_header default;'
        . 'para_auth_header X-User "$para_auth_user_id/$para_auth_type";'
        . 'location /a { para_auth_header off; }');


# ---- The examples ---------------------------------------------------------

# Nothing is looked up here: in place of each name stands an address.
sub example {
    my ($name) = @_;
    my $text = shipped($name);
    $text =~ s/(server\s+)[a-z.]+:443/${1}127.0.0.1:443/;
    return $text;
}

for my $environment (qw(beta production sandbox)) {
    my $http = http(api => "environment $environment;");

    accepted("the upstream of $environment", undef,
        http => $http . example("para-auth-upstream-$environment.conf"));
    refused("$environment without its upstream",
        qr/nothing says where Para's host is: include para-auth-upstream-\*/,
        http => $http);

    my ($host, $server) =
        slurp("$EXAMPLES/para-auth-upstream-$environment.conf")
        =~ /^upstream (\S+) \{\s+server\s+(\S+):443/m;
    is($server, $host, "$environment: the upstream is named as its host");
}

refused('the upstream of another environment', qr/nothing says where Para's/,
    http => http(api => 'environment production;')
        . example('para-auth-upstream-beta.conf'));
accepted('the resolver', undef,
    http => http(api => 'environment beta;')
        . example('para-auth-upstream-resolver.conf'));

# The whole examples, with the files that they name, below one directory.
put_file('assertion.pem', scalar qx(openssl genpkey -algorithm ed25519),
    oct '0400');

for my $name (qw(nginx.conf nginx-api.conf)) {
    my ($http) = slurp("$EXAMPLES/$name") =~ /^http \{\n(.*)^\}/ms;

    $http =~ s/^ *include +(\S+);/example($1)/gem;
    $http =~ s{/etc/nginx/para/(secret\.key|assertion\.pem)}{$PARA_DIR/$1}g;
    $http =~ s{/var/lib/nginx/para}{$PARA_DIR/state-$name};
    $http =~ s{/var/log/nginx/}{$PARA_DIR/}g;
    $http =~ s/^\s*ssl_certificate(?:_key)?\s.*\n//gm;
    $http =~ s/listen 443 ssl;/listen 127.0.0.1:@{[free_ports()]};/;

    accepted("$name of the examples", undef,
        http   => $http,
        server => 'server_name other;');
}


# ---- Secrets --------------------------------------------------------------

{
    my $nginx = start_nginx(
        http   => http(more => issuer(own_keys()) . 'para_issuer on;'),
        server => "para_auth app;\n$VERIFY",
    );

    open my $dump, '-|', $nginx->{binary}, '-T', '-q', '-e', '/dev/null',
        '-p', $nginx->{dir}, '-c', $nginx->{file}
        or die "nginx -T: $!\n";
    my $text = do { local $/; <$dump> };
    close $dump or die "nginx -T failed\n";

    my $secret = slurp("$PARA_DIR/secret.key");
    chomp $secret;

    like($text, qr/secret_key_file/, 'nginx -T shows the configuration');
    unlike($text, qr/\Q$secret\E/, '... without the API key');
    unlike($text, qr/\Q$OWN_HMAC->{k}\E/, '... without the HMAC key');
    unlike($nginx->error_log, qr/\Q$secret\E/, 'nor does the log have it');
}

done_testing();
