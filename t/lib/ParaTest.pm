package ParaTest;

# What every suite needs: an emulated Para and a sample app on free loopback
# ports, a directory with the keys, tokens signed by someone who is not the
# code under test, and the configuration that goes with them.
#
#   use lib 't/lib';
#   use ParaTest;                          # first: it chooses nginx's port
#   use Test::Nginx::Socket 'no_plan';
#
#   ParaTest::setup_blocks();
#   run_tests();
#
#   __DATA__
#   === TEST 1: both layers good
#   --- config
#   para_auth app;
#   location / { proxy_pass http://127.0.0.1:$TEST_NGINX_APP_PORT; }
#   --- login: alice
#   --- request
#   GET /
#   --- response_body_like: "X-Para-User-Id"
#   --- para_calls: 1
#
# Sections that setup_blocks() adds to Test::Nginx's own:
#
#   http_config    goes below the standard one (zone and provider "app")
#   provider       more lines for the provider, as in
#                  "--- provider eval: own_issuer()"
#   key_source     "url" if the provider is to fetch Para's keys: there is no
#                  key_file then; without the section, it is "file"
#   api            where the provider believes Para to be, if not at the
#                  emulator's port without TLS
#   config         gets the verify location as well; without one, the whole
#                  server is protected and passes to the app
#   login          USER [jwt|session] [ttl=SECONDS]: a new session's
#                  credentials are added to the request (both, or one)
#   fault          a line each: PATH MODE [NAME=NUMBER ...]
#   para_calls     how many calls Para has had since the block began, checked
#                  after each response; a list (eval) has one per request
#   app_requests   the same of the app
#   no_para        the configuration of the block is left as it is
#
# Test::Nginx evaluates the "eval" sections of all blocks before the first one
# runs: sessions may be made there, but faults belong into their section.
#
# Environment: PARA_TEST_KEEP=1 keeps the directory and says where it is;
# PARA_TEST_MODULE is another module than build/'s, empty for a static build.

use strict;
use warnings;

use Carp             qw(croak);
use Cwd              qw(abs_path);
use Exporter         qw(import);
use File::Basename   qw(dirname);
use File::Temp       ();
use IO::Select       ();
use IO::Socket::INET ();
use JSON::PP         ();
use MIME::Base64     qw(decode_base64url encode_base64url);
use Time::HiRes      qw(time);

use Crypt::JWT       qw(encode_jwt);
use Crypt::Mac::HMAC qw(hmac);
use Crypt::PK::ECC   ();
use Crypt::PK::RSA   ();
use Crypt::PRNG      qw(random_bytes);

my $ROOT;

BEGIN {
    $ROOT = abs_path(dirname(__FILE__) . '/../..');
    unshift @INC, "$ROOT/demo/lib";
}

use ParaDemo::Nginx ();
use ParaDemo::Process qw(wait_until);
use ParaDemo::Servers ();
use ParaDemo::Users   ();

our @EXPORT = qw(
    $PARA_DIR $PARA_PORT $PARA_URL $PARA_AUDIENCE $PARA_PUBLIC_KEY
    $APP_PORT $APP_URL
    login end_session fault calls para_calls wait_for_calls reset_para
    app_count app_calls reset_app reset_all
    para_keys para_requests para_listen para_unlisten second_para
    para_jwt own_jwt tamper jwt_claims jwt_header sign_raw own_key para_key
    para_provider http_config shipped verify_location touch_location
    wallets_location edited own_issuer
    bearer credentials http_raw start_nginx check_nginx nginx_says workers_of
    free_ports wait_until in_time black_hole_port slurp put_file new_log
    lines_like other_module is_healthy
);

our (
    $PARA_DIR, $PARA_PORT, $PARA_URL, $PARA_AUDIENCE, $PARA_PUBLIC_KEY,
    $APP_PORT, $APP_URL
);

use constant {
    TOKEN_TTL       => 1800,
    RSA_BYTES       => 256,
    RSA_E           => 65537,
    HMAC_BYTES      => 32,
    RAW_TIMEOUT     => 10,
    CALL_TIMEOUT    => 5,
    BLACK_HOLE      => 1024,
    WORKERS_TIMEOUT => 15,
    TRIES           => 5,
    OWN_ISS         => 'https://backend.example',
    OWN_AUD         => 'my-api',
};

my $JSON = JSON::PP->new->utf8->canonical;

my ($owner, $temp, $servers, %own, @nginx, @second, @black_holes);


# ---- Life -----------------------------------------------------------------

_start() if !$^C;

sub _start {
    $owner = $$;
    $temp  = File::Temp->newdir(
        'para-test-XXXXXXXX',
        TMPDIR  => 1,
        CLEANUP => !$ENV{PARA_TEST_KEEP}
    );
    $PARA_DIR = "$temp";

    # Workers that dropped root pass through; the secrets have their own modes.
    chmod oct('0755'), $PARA_DIR;

    $servers = ParaDemo::Servers->start(dir => $PARA_DIR);

    $PARA_PORT       = $servers->emulator_port;
    $PARA_URL        = "http://127.0.0.1:$PARA_PORT";
    $PARA_AUDIENCE   = $servers->para('audience');
    $PARA_PUBLIC_KEY = $servers->para('public_key');
    $APP_PORT        = $servers->app_port;
    $APP_URL         = "http://127.0.0.1:$APP_PORT";

    _make_own_keys();
    _set_environment();

    return;
}

END { _stop() }

sub _stop {
    return if !defined $owner || $owner != $$;

    local ($?, $!, $@);

    $_->stop for grep {defined} @nginx;
    $_->stop for @second;
    $servers->stop if $servers;
    undef $servers;

    print STDERR "# kept: $PARA_DIR\n" if $ENV{PARA_TEST_KEEP};
    undef $temp;

    return;
}

# Test::Nginx reads its settings when it is loaded, and puts the values of
# $TEST_NGINX_... into the configurations of the blocks.
sub _set_environment {
    my $module = $ENV{PARA_TEST_MODULE} // ParaDemo::Nginx::default_module();

    $ENV{TEST_NGINX_LOAD_MODULES} //= $module;
    $ENV{TEST_NGINX_BINARY}       //= ParaDemo::Nginx::default_binary();
    $ENV{TEST_NGINX_PORT}         //= free_ports();
    $ENV{TEST_NGINX_SERVROOT}     //= "$PARA_DIR/servroot";

    # Set by a file that asked for random ports before; ours are as good.
    delete $ENV{TEST_NGINX_RANDOMIZE};

    $ENV{TEST_NGINX_PARA_DIR}        = $PARA_DIR;
    $ENV{TEST_NGINX_PARA_PORT}       = $PARA_PORT;
    $ENV{TEST_NGINX_PARA_AUDIENCE}   = $PARA_AUDIENCE;
    $ENV{TEST_NGINX_PARA_PUBLIC_KEY} = $PARA_PUBLIC_KEY;
    $ENV{TEST_NGINX_APP_PORT}        = $APP_PORT;

    return;
}

# The first of ten ports that are this process's to use.
sub free_ports { return ParaDemo::Nginx::free_ports() }

# The bytes of a file, by its path.
sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or croak "$path: $!";
    local $/;
    return scalar <$in>;
}

# A file in PARA_DIR; returns its path.
sub put_file {
    my ($name, $content, $mode) = @_;

    my $path = "$PARA_DIR/$name";
    unlink $path;
    open my $out, '>:raw', $path or croak "$path: $!";
    chmod $mode // oct('0644'), $path;
    print {$out} $content;
    close $out or croak "$path: $!";

    return $path;
}

# A module of t/helpers, which nginx may load beside ours; returns its path, or
# nothing where this nginx is not the one that ours is built for: another, as
# with sanitizers, has other headers.
sub other_module {
    my ($name) = @_;

    my $source = '/usr/share/nginx/src/src';
    my $config = "$ROOT/build/nginx";

    return
        if defined $ENV{PARA_TEST_MODULE}
        || !$ENV{TEST_NGINX_LOAD_MODULES}
        || !-e "$config/ngx_auto_config.h"
        || !-d $source;

    my $module  = "$PARA_DIR/$name.so";
    my @include = map {"-I$source/$_"}
        qw(core event event/modules os/unix http http/modules http/v2);

    system(qw(cc -shared -fPIC -Wno-all), "-I$config", @include, '-o', $module,
        "$ROOT/t/helpers/$name.c") == 0
        or croak "$name.c does not compile";

    return $module;
}


# ---- Keys -----------------------------------------------------------------

# The operator's own backend signs with three kinds of keys.  In PARA_DIR:
#   own.jwks.json (both public keys), own-rsa.jwks.json, own-ec.jwks.json,
#   own-hmac.jwks.json
#   own-rsa.pem, own-ec.pem (public keys), own-hmac.key (raw bytes)
sub _make_own_keys {
    my $rsa = Crypt::PK::RSA->new;
    $rsa->generate_key(RSA_BYTES, RSA_E);

    my $ecc = Crypt::PK::ECC->new;
    $ecc->generate_key('secp256r1');

    my $secret = random_bytes(HMAC_BYTES);

    %own = (
        RS256 => {kid => 'own-rsa',  key => $rsa},
        ES256 => {kid => 'own-ec',   key => $ecc},
        HS256 => {kid => 'own-hmac', key => $secret},
    );

    my %jwk = (
        rsa  => $rsa->export_key_jwk('public', 1),
        ec   => $ecc->export_key_jwk('public', 1),
        hmac => {kty => 'oct', k => encode_base64url($secret)},
    );
    my %alg = (rsa => 'RS256', ec => 'ES256', hmac => 'HS256');

    for my $name (keys %jwk) {
        %{$jwk{$name}} = (
            %{$jwk{$name}},
            kid => "own-$name",
            use => 'sig',
            alg => $alg{$name}
        );
        put_file("own-$name.jwks.json",
            $JSON->encode({keys => [$jwk{$name}]}), oct '0400');
    }

    put_file('own.jwks.json',
        $JSON->encode({keys => [@jwk{qw(rsa ec)}]}), oct '0400');
    put_file('own-rsa.pem',  $rsa->export_key_pem('public_x509'));
    put_file('own-ec.pem',   $ecc->export_key_pem('public_short'));
    put_file('own-hmac.key', $secret, oct '0400');

    return;
}

# The backend's signing key for an algorithm: a Crypt::PK object, or bytes.
sub own_key {
    my ($alg) = @_;
    return ($own{$alg} // croak "the backend has no key for $alg")->{key};
}

# Para's signing key, as a private JWK (a hash), by its index.
sub para_key {
    my ($index) = @_;
    return $servers->para('private_keys')->[$index // 0]
        // croak "Para has no key $index";
}


# ---- Para and the app -----------------------------------------------------

# A new session: verificationToken, sessionCookie, exportedSession,
# exportedSessionWithSigner, jwt, userId, user (the record), expiresAt.
# Options: ttl, keyIndex (0 is the newest key) or keyKid.
sub login {
    my ($user, %options) = @_;
    return $servers->login($user // 'alice', %options);
}

sub end_session { return $servers->end_session(@_) }

# fault('/sessions/verify', '500', times => 1, delay_ms => ..,
# retry_after => ..); the modes are in "demo/para-emulator --help".
sub fault { return $servers->fault(@_) }

# total, paths, requests, connections, in_flight, max_in_flight
sub calls { return $servers->calls }

# How many calls Para has had (of one path).
sub para_calls {
    my ($path) = @_;
    my $calls = calls();
    return defined $path ? $calls->{paths}{$path} // 0 : $calls->{total};
}

# Until Para has had so many of one path.
sub wait_for_calls {
    my ($path, $n) = @_;
    wait_until(CALL_TIMEOUT, sub { para_calls($path) >= $n })
        or croak "Para has not had $n calls of $path";
    return;
}

# What Para received at a path, in order: method, headers ([name, value]
# pairs), header (lower-case name => last value), http_version, time, status
# (undef: none yet, or one not of HTTP's making), tls (undef, or version and
# server_name), and more.
sub para_requests {
    my ($path) = @_;

    my @requests = grep { $_->{path} eq $path } @{calls()->{requests}};
    for my $request (@requests) {
        $request->{header} =
            {map { lc $_->[0] => $_->[1] } @{$request->{headers}}};
    }

    return @requests;
}

# para_keys(rotate => 1), (hidden => 1), (publish => $kid), (withdraw => $kid),
# (cache_control => 'max-age=60'), (set => '{}'); undef ends the last two.
# Keys may be named by their index, 0 being the newest.  Returns a hash: kid
# (of index 0), published and hidden (lists of kids), etag, cache_control.
# para_key(), para_jwt() and login() know the new keys, as does jwks.json.
sub para_keys { return $servers->change_keys(@_) }

# The same Para at one more port: para_listen(cert => .., key => .., port =>
# ..), with TLS if there is a certificate, at a free port if none is given.
sub para_listen { return $servers->add_port(@_) }

# Ends that, with the connections of the port.
sub para_unlisten { return $servers->remove_port(@_) }

# Another Para, with its own keys and sessions, until the test ends.  Returns
# a ParaDemo::Servers without an app: emulator_port, para, login, fault,
# calls, change_keys, add_port, remove_port, reset_emulator, stop.
sub second_para {
    my $dir = "$PARA_DIR/para-" . (2 + @second);
    mkdir $dir or croak "$dir: $!";

    my $para = ParaDemo::Servers->start(dir => $dir, no_app => 1);
    push @second, $para;
    return $para;
}

# Faults and counters, and what para_keys() published in place of the set or
# with it; also sessions with (sessions => 1), also the keys of the start with
# (keys => 1).
sub reset_para { return $servers->reset_emulator(@_) }

sub app_count { return $servers->app_count }
sub app_calls { return $servers->app_calls }
sub reset_app { return $servers->reset_app }

sub reset_all {
    reset_para();
    reset_app();
    return;
}


# ---- Tokens ---------------------------------------------------------------

sub _user_of {
    my ($user) = @_;
    return $user->{user} if ref $user;
    return ParaDemo::Users::user($user) // croak "no such user: $user";
}

# Claims with others put over them; undef takes one away.
sub _merge {
    my ($claims, $overrides) = @_;

    my %merged = (%$claims, %$overrides);
    for my $name (keys %$overrides) {
        delete $merged{$name} if !defined $overrides->{$name};
    }

    return \%merged;
}

sub _encode {
    my ($claims, %options) = @_;

    my $header = _merge({typ => 'JWT', kid => $options{kid}},
        $options{header} // {});
    delete $header->{kid} if !defined $header->{kid};

    # Header members other than the defaults may be missing or odd; "alg" is
    # written by the encoder, and sign_raw() is there for what it refuses.
    return encode_jwt(
        payload       => $JSON->encode($claims),
        alg           => $options{alg},
        key           => $options{key},
        extra_headers => $header,
        allow_none    => 1,
    );
}

# A JWT of Para's for a user (a name, or what login() returned).  Overrides
# are claims (undef removes one), where "data" is merged into the claim; and
# header => {..}, alg, key, key_index.
sub para_jwt {
    my ($user, %overrides) = @_;

    my %option = map { $_ => delete $overrides{$_} }
        qw(header alg key key_index);
    my $record = _user_of($user);
    my $jwk    = para_key($option{key_index});
    my $now    = int time;

    my $data = _merge(ParaDemo::Users::jwt_data($record),
        ref $overrides{data} eq 'HASH' ? delete $overrides{data} : {});

    return _encode(
        _merge(
            {   data => $data,
                iat  => $now,
                exp  => $now + TOKEN_TTL,
                aud  => $PARA_AUDIENCE,
                sub  => $record->{userId},
            },
            \%overrides
        ),
        alg    => $option{alg} // 'RS256',
        key    => $option{key} // $jwk,
        kid    => $jwk->{kid},
        header => $option{header},
    );
}

# A JWT of the operator's own backend: user (alice), alg (ES256), claims and
# header (over the defaults, undef removes), key.
sub own_jwt {
    my (%options) = @_;

    my $record = _user_of($options{user} // 'alice');
    my $alg    = $options{alg} // 'ES256';
    my $now    = int time;

    my $claims = _merge(
        {   internal_user_id => "u-$record->{name}",
            para_user_id     => $record->{userId},
            auth_method      => $record->{authType},
            auth_identifier  => $record->{identifier},
            roles            => ['user'],
            iss              => OWN_ISS,
            aud              => OWN_AUD,
            iat              => $now,
            exp              => $now + TOKEN_TTL,
        },
        $options{claims} // {}
    );

    return _encode(
        $claims,
        alg    => $alg,
        key    => $options{key} // own_key($alg),
        kid    => $own{$alg} && $own{$alg}{kid},
        header => $options{header},
    );
}

# Signs a header and a payload that are any bytes at all.  The key is
# own_key()'s, or a JWK hash like para_key()'s.
sub sign_raw {
    my ($alg, $key, $header, $payload) = @_;

    my $input = join '.', map { encode_base64url($_) } $header, $payload;
    my $rsa = ref $key eq 'HASH' ? Crypt::PK::RSA->new($key) : $key;

    my ($kind, $bits) = $alg =~ /\A([RPEH]S)(256|384|512)\z/
        or croak "cannot sign with $alg";

    my $signature =
          $kind eq 'RS' ? $rsa->sign_message($input, "SHA$bits", 'v1.5')
        : $kind eq 'PS' ? $rsa->sign_message($input, "SHA$bits", 'pss',
            $bits / 8)
        : $kind eq 'ES' ? $key->sign_message_rfc7518($input, "SHA$bits")
        :                 hmac("SHA$bits", $key, $input);

    return $input . '.' . encode_base64url($signature);
}

sub _part {
    my ($jwt, $index) = @_;
    return $JSON->decode(decode_base64url((split /\./, $jwt)[$index]));
}

sub jwt_header { return _part($_[0], 0) }
sub jwt_claims { return _part($_[0], 1) }

# The same token and signature with other claims (a later end by default).
sub tamper {
    my ($jwt, %claims) = @_;

    my ($header, undef, $signature) = split /\./, $jwt;
    my $old = jwt_claims($jwt);
    %claims = (exp => $old->{exp} + 1) if !%claims;

    return join '.', $header,
        encode_base64url($JSON->encode(_merge($old, \%claims))), $signature;
}

sub bearer {
    my ($jwt) = @_;
    return "Authorization: Bearer $jwt";
}

# The request headers of a login, one a line; or of one layer: jwt, session.
sub credentials {
    my ($login, $layer) = @_;

    my %line = (
        jwt     => bearer($login->{jwt}),
        session => "X-Para-Session: $login->{verificationToken}",
    );

    return defined $layer
        ? ($line{$layer} // croak "no such layer: $layer")
        : "$line{jwt}\n$line{session}";
}


# ---- Configurations -------------------------------------------------------

sub own_issuer {
    my (%options) = @_;

    my $file       = $options{key_file} // 'own.jwks.json';
    my $algorithms = $options{algorithms} // 'RS256 ES256';
    my $more       = $options{more} // '';

    # OWN_ISS and OWN_AUD are subs: hence the joins.
    my @lines = (
        '            iss ' . OWN_ISS . ';',
        '            audience ' . OWN_AUD . ';',
        "            $more",
        '        }'
    );

    # Secrets do not stand among public keys, and only a few tests want them.
    my @secret = %options
        ? ()
        : ('        issuer backend-hmac {',
            "            key_file $PARA_DIR/own-hmac.jwks.json;", @lines);

    return join "\n",
        '        issuer backend {',
        "            key_file $PARA_DIR/$file;",
        "            algorithms $algorithms;",
        @lines, @secret,
        '        para_issuer on;',
        '';
}

# A provider.  Options: name (app), api (the emulator's URL), key_source
# ("file", or "url" for one that fetches Para's keys), lines (more of them).
sub para_provider {
    my (%options) = @_;

    my $name   = $options{name} // 'app';
    my $api    = $options{api} // $PARA_URL;
    my $source = $options{key_source} // 'file';
    my $lines  = $options{lines} // '';

    my %keys = (file => "key_file $PARA_DIR/jwks.json;", url => '');
    my $keys = $keys{$source} // croak "no such key_source: $source";

    return <<"CONF";
    para_auth_provider $name {
        api $api;
        audience $PARA_AUDIENCE;
        secret_key_file $PARA_DIR/secret.key;
        $keys
$lines
    }
CONF
}

# Options: zone (size), provider (more lines of it), api and key_source (of
# para_provider()), http (more lines below).
sub http_config {
    my (%options) = @_;

    my $zone     = $options{zone} // '4m';
    my $http     = $options{http} // '';
    my $provider = para_provider(
        api        => $options{api},
        key_source => $options{key_source},
        lines      => $options{provider},
    );

    return <<"CONF";
    para_auth_zone para:$zone;

$provider
$http
CONF
}

# A shipped file, for the provider of http_config(), with the files that it
# includes: users include it as it is, so that is what is tested.
sub shipped {
    my ($name) = @_;

    my $text = slurp("$ROOT/conf-examples/$name");

    $text =~ s{^( +)include +(para-auth-\S+);\n}
              {my $indent = $1; shipped($2) =~ s/^(?=.)/$indent/gmr}gem;
    return $text;
}

sub verify_location  { return shipped('para-auth-verify.conf') }
sub touch_location   { return shipped('para-auth-touch.conf') }
sub wallets_location { return shipped('para-auth-wallets.conf') }

# A text with replacements, pattern => text.  Each must match, or the test would
# not test what it says.
sub edited {
    my ($text, @pairs) = @_;

    while (my ($pattern, $replacement) = splice @pairs, 0, 2) {
        $text =~ s/$pattern/$replacement/m
            or croak "nothing matches $pattern";
    }

    return $text;
}

sub _parse_login {
    my ($text) = @_;

    my ($user, @words) = split ' ', $text;
    my ($layer, %options);

    for my $word (@words) {
        if ($word =~ /\A(?:jwt|session)\z/) { $layer = $word }
        elsif ($word =~ /\A(\w+)=([\d.]+)\z/) { $options{$1} = $2 }
        else { croak "--- login: what is \"$word\"?" }
    }

    return credentials(login($user, %options), $layer);
}

sub _apply_faults {
    my ($text) = @_;

    for my $line (grep {/\S/} split /\n/, $text) {
        my ($path, $mode, @words) = split ' ', $line;
        my %options = map { /\A(\w+)=(\d+)\z/ ? ($1 => $2)
                : croak "--- fault: what is \"$_\"?" } @words;
        fault($path, $mode, %options);
    }

    return;
}

sub _add_headers {
    my ($old, $new) = @_;

    return [map { _add_headers($_, $new) } @$old] if ref $old eq 'ARRAY';

    return join '', map { /\n\z/ ? $_ : "$_\n" }
        grep { defined && length } $old, $new;
}

# Test::Base makes the text of an error the value of an "eval" section, which
# would then be sent as a header, or compared with something.
sub _refuse_failed_evals {
    my ($block) = @_;

    for my $section (@{$block->_section_order}) {
        my $value = $block->$section;
        croak $block->name . ": --- $section eval: $value"
            if defined $value && $value =~ / at \(eval \d+\) line \d+/;
    }

    return;
}

sub _prepare_block {
    my ($block) = @_;

    _refuse_failed_evals($block);
    reset_para();
    reset_app();

    # Without "scalar", a section that is not there would be an empty list.
    my ($login, $headers, $provider, $source, $api, $http, $config, $fault) =
        map { scalar $block->$_ }
        qw(login more_headers provider key_source api http_config config
        fault);
    chomp for grep {defined} $source, $api;

    $login = _parse_login($login) if defined $login;

    # Test::Nginx sends a bad request when the last line is not ended.
    $block->set_value(more_headers => _add_headers($headers, $login))
        if defined $headers || defined $login;

    _apply_faults($fault) if defined $fault;

    return if defined $block->no_para;

    $block->set_value(
        http_config => http_config(
            provider   => $provider,
            key_source => $source,
            api        => $api,
            http       => $http
        )
    );

    $config //= <<"CONF";
        para_auth app;
        location / { proxy_pass $APP_URL; }
CONF
    $block->set_value(config => "$config\n" . verify_location());

    return;
}

sub _check_count {
    my ($block, $section, $got, $index, $dry_run) = @_;

    my $expected = $block->$section;
    return if !defined $expected;

    $expected = $expected->[$index] if ref $expected;
    return if !defined $expected;
    $expected =~ s/\s+//g;

    my $name = sprintf '%s - %s, request %d', $block->name, $section, $index;
    $dry_run
        ? Test::More::pass("$name (dry run)")
        : Test::More::is($got->(), $expected, $name);

    return;
}

# Call it between loading Test::Nginx::Socket and run_tests().
sub setup_blocks {
    my $module = $ENV{TEST_NGINX_LOAD_MODULES};
    croak "there is no $module: run \"make\" first"
        if $module && grep { !-e } split ' ', $module;

    # The "eval" sections are evaluated in that package.
    {
        package    # no module of ours
            Test::Base::Filter;
        ParaTest->import;
    }

    # Its own "location /" would stand beside those of the blocks.
    Test::Nginx::Util::no_root_location();

    Test::Nginx::Util::add_block_preprocessor(\&_prepare_block);
    Test::Nginx::Socket::add_response_body_check(
        sub {
            my ($block, undef, $index, undef, $dry_run) = @_;
            _check_count($block, 'para_calls', \&para_calls, $index,
                $dry_run);
            _check_count($block, 'app_requests', \&app_count, $index,
                $dry_run);
        }
    );

    return;
}


# ---- An nginx of one's own, and raw requests ------------------------------

sub _new_nginx {
    my (%options) = @_;

    my $dir     = "$PARA_DIR/nginx-" . scalar @nginx;
    my $module  = $ENV{TEST_NGINX_LOAD_MODULES};
    my $load    = $module ? "load_module $module;" : '';
    my $port    = $options{port} // free_ports();
    my $workers = $options{workers} // 1;
    my $main    = $options{main} // '';
    my $events  = $options{events} // 'worker_connections 1024;';
    my $http    = $options{http} // http_config();
    my $server  = $options{server} // '';

    my $conf = <<"CONF";
$load
daemon off;
worker_processes $workers;
pid $dir/nginx.pid;
error_log $dir/logs/error.log info;
$main
events {
    $events
}

http {
    access_log off;
    client_body_temp_path $dir/client_body_temp;
    proxy_temp_path $dir/proxy_temp;
    fastcgi_temp_path $dir/fastcgi_temp;
    uwsgi_temp_path $dir/uwsgi_temp;
    scgi_temp_path $dir/scgi_temp;

$http

    server {
        listen 127.0.0.1:$port;
$server
    }
}
CONF

    return ParaDemo::Nginx->new(
        dir    => $dir,
        port   => $port,
        binary => $ENV{TEST_NGINX_BINARY},
        conf   => $conf,
    );
}

# For plain .t files: an nginx that ends with the test.  Options: server (the
# lines of its one server), http (instead of http_config()), main, events,
# workers, port.  Returns a ParaDemo::Nginx; {port} is where it listens.
sub start_nginx {
    my (%options) = @_;

    my $nginx = _new_nginx(%options);
    push @nginx, $nginx;
    $nginx->start;

    # its port is open before the last worker is there
    my $workers =
        ($options{main} // '') =~ /master_process off/
        ? 0
        : $options{workers} // 1;
    wait_until(WORKERS_TIMEOUT, sub { workers_of($nginx) >= $workers })
        or croak 'nginx has too few workers';

    return $nginx;
}

# "nginx -t" for the same options: whether it is good, and what was said.
sub check_nginx {
    my $nginx = _new_nginx(@_);
    push @nginx, undef;
    return $nginx->check;
}

# Two tests of that: it is good, or not, and it says something like this.
# Returns all that was said.
sub nginx_says {
    my ($name, $good, $pattern, %options) = @_;

    my ($ok, $said) = check_nginx(%options);
    Test::More::is(!!$ok, !!$good, "nginx -t: $name");
    Test::More::like($said, $pattern, "nginx -t: $name: what is said");

    return $said;
}

# The processes of those of its workers that are not shutting down.
sub workers_of {
    my ($nginx) = @_;

    my $pid = $nginx->pid // return;

    # what nginx is to be started with is not for others
    delete local $ENV{LD_PRELOAD};
    open my $in, '-|', 'ps', '-o', 'pid=,args=', '--ppid', $pid
        or croak "ps: $!";
    return map { /\A\s*(\d+) nginx: worker process\s*\z/ ? $1 : () } <$in>;
}

# What the error log of a started nginx got since the last time.
sub new_log {
    my ($nginx) = @_;

    my $log  = $nginx->error_log;
    my $from = $nginx->{log_read} // 0;
    $nginx->{log_read} = length $log;

    return substr $log, $from;
}

# How many lines of a text match.
sub lines_like {
    my ($pattern, $text) = @_;
    return scalar grep {/$pattern/} split /\n/, $text;
}

# A test: neither nginx nor a worker of its has come to grief, as its error log
# has it; lines that match $except may be there.
sub is_healthy {
    my ($nginx, $name, $except) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @bad = grep {/\[(?:alert|crit|emerg)\]|exited on signal/} split /\n/,
        $nginx->error_log;
    @bad = grep { !/$except/ } @bad if $except;
    return Test::More::is("@bad", '', "$name: nothing broke");
}

# What a function returns, if it took less than so many seconds.  Otherwise the
# machine stood still, and what was to be tried is over: it is tried anew, with
# what another function prepares and hands to it, if there is one.  The last try
# counts in any case, so what is always late is told.
sub in_time {
    my ($seconds, $try, $prepare) = @_;

    for my $left (reverse 0 .. TRIES - 1) {
        my @ready  = $prepare ? $prepare->() : ();
        my $began  = time;
        my @result = $try->(@ready);
        my $took   = time - $began;
        return @result if !$left || $took < $seconds;
        Test::More::diag(sprintf 'late by %.2f s: once more',
            $took - $seconds);
    }
}

# A port with somebody at it who never says a word, until the test ends.
#   accept   connections are made and kept, what is sent is taken, but not
#            even TLS begins
#   connect  connections are not made: what asks for one is not answered
#   udp      datagrams are taken and not answered, as by a DNS server
sub black_hole_port {
    my ($kind) = @_;
    $kind //= 'accept';

    croak "no such black hole: $kind"
        if !grep { $_ eq $kind } qw(accept connect udp);

    my $hole = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        ($kind eq 'udp' ? (Proto => 'udp') : (Proto => 'tcp')),
        (     $kind eq 'accept'  ? (Listen => BLACK_HOLE)
            : $kind eq 'connect' ? (Listen => 1)
            : ()
        ),
    ) or croak "cannot listen: $@";
    push @black_holes, $hole;

    # Linux does not answer when the queue of those not accepted is full.
    if ($kind eq 'connect') {
        push @black_holes, grep {defined} map {
            IO::Socket::INET->new(
                PeerAddr => '127.0.0.1',
                PeerPort => $hole->sockport,
                Timeout  => 0.2
            )
        } 1 .. 3;
    }

    return $hole->sockport;
}

# Sends bytes as they are and returns what came until the server closed, or
# until it was silent for the timeout (seconds).  Options: port, timeout.
sub http_raw {
    my ($bytes, %options) = @_;

    my $timeout = $options{timeout} // RAW_TIMEOUT;
    my $socket  = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $options{port} // $ENV{TEST_NGINX_PORT},
        Timeout  => $timeout,
    ) or croak "cannot connect: $@";

    # A server may refuse and close while we are still sending.
    local $SIG{PIPE} = 'IGNORE';
    for (my $sent = 0; $sent < length $bytes;) {
        my $n = syswrite $socket, $bytes, length($bytes) - $sent, $sent;
        last if !defined $n;
        $sent += $n;
    }

    my $select = IO::Select->new($socket);
    my $answer = '';
    while ($select->can_read($timeout)) {
        my $n = sysread $socket, $answer, 65536, length $answer;
        last if !$n;
    }

    return $answer;
}

1;
