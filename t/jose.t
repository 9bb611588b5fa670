#!/usr/bin/perl

# Bad JWTs through the gateway, each with the one check that refuses it: the
# client gets the same answer for all of them, the log has the exact reason,
# Para is not asked, and the app sees nothing.  Beside them stand their honest
# neighbours, which must be accepted.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use Test::More;

use Crypt::Mac::HMAC qw(hmac);
use Crypt::PK::ECC   ();
use Crypt::PK::RSA   ();
use JSON::PP         ();
use MIME::Base64     qw(decode_base64url encode_base64url);

use constant {
    LEEWAY     => 10,
    SLACK      => 5,      # a slow machine may lie between us and nginx
    MAX_JWS    => 16384,
    MAX_KID    => 256,
    RSA_SIZE   => 256,
    EC_HALF    => 32,
    RSA_E      => 65537,
    MIN_SECRET => 16,
};

# Of P-256, FIPS 186-5
my $P256_N =
    'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

my ($RSA, $EC, $SECRET) = map { own_key($_) } qw(RS256 ES256 HS256);
my $PARA     = Crypt::PK::RSA->new(para_key(0));
my $PARA_KID = para_key(0)->{kid};
my $STRANGER = Crypt::PK::RSA->new;
$STRANGER->generate_key(RSA_SIZE, RSA_E);

my $REALM   = 'realm="para"';
my $INVALID = 'error="invalid_request"';
my $UNSAFE  = qr/[^\x20-\x7e\n]/;


# ---- The gateway: a provider for each set of keys -------------------------

sub jwks {
    my ($name, @keys) = @_;
    return put_file("$name.json", $JSON->encode({keys => \@keys}), oct '0400');
}

sub public { return $_[0]->export_key_jwk('public', 1) }

sub oct_jwk {
    my ($secret, %members) = @_;
    return {kty => 'oct', k => encode_base64url($secret), %members};
}

my $P384 = Crypt::PK::ECC->new;
$P384->generate_key('secp384r1');

my %PROVIDER = (
    para => "audience $PARA_AUDIENCE; key_file $PARA_DIR/jwks.json;",
    one  => "audience $PARA_AUDIENCE; key_file "
        . jwks('one', {%{public($PARA)}, kid => $PARA_KID}) . ';',
    own => own_issuer() =~ s/para_issuer on;//r,
    pem => 'issuer backend { key_file '
        . "$PARA_DIR/own-rsa.pem; algorithms RS256; }",
    mixed => 'issuer backend { key_file '
        . jwks('mixed',
        {%{public($EC)}, kid => 'ec'},
        {%{public($RSA)}, kid => 'rsa', alg => 'RS256'},
        {%{public($STRANGER)}, kid => 'enc', use => 'enc'},
        {%{public($PARA)}, kid => 'ops', key_ops => ['sign']},
        {%{public($P384)}, kid => 'p384'},
        oct_jwk('', kid => 'empty'))
        . '; } issuer secret { key_file '
        . jwks('secret', oct_jwk($SECRET, kid => 'hmac')) . '; }',
    two => "issuer a { key_file $PARA_DIR/own-rsa.pem; iss a; audience api; }"
        . 'issuer b { key_file '
        . put_file('b.pem', $STRANGER->export_key_pem('public_x509'))
        . '; iss b; audience api; }'
        . "issuer none { key_file $PARA_DIR/own-ec.pem; audience api; }",
    strict => "issuer backend { key_file $PARA_DIR/own-ec.jwks.json; "
        . 'max_age 60s; typ at+jwt x; require_claim groups[0].name sub; '
        . 'claim roles groups[*].name; }',
    loose => 'issuer backend { hmac_key_file '
        . put_file('long.key', $SECRET x 2, oct '0400') . '; require_exp off; algorithms HS256 HS384; }',
    wide => "issuer backend { key_file $PARA_DIR/own-rsa.pem; "
        . 'algorithms PS256 RS512; }',
    list => "issuer backend { key_file $PARA_DIR/own.jwks.json; "
        . 'algorithms ES256; audience x y; leeway 0; }',
);

my $http   = "para_auth_zone para:4m;\nlarge_client_header_buffers 8 64k;\n";
my $server = "proxy_set_header X-From gateway;\n";

for my $name (sort keys %PROVIDER) {
    $http .= "para_auth_provider $name { api $PARA_URL; "
        . "secret_key_file $PARA_DIR/secret.key; $PROVIDER{$name} }\n";
    $server .= "location /$name { para_auth $name; para_auth_match off; "
        . "proxy_pass $APP_URL; }\n"
        . (verify_location() =~ s{_para_auth/verify}{_para_auth/$name}r
            =~ s/para_auth_upstream  app/para_auth_upstream  $name/r);
}

my $nginx = start_nginx(http => $http, server => $server);
my $alice = login('alice');
my $log_read = 0;

sub new_log {
    my $log = $nginx->error_log;
    my $new = substr $log, $log_read;
    $log_read = length $log;
    return $new;
}

sub send_token {
    my ($provider, $token, $session) = @_;
    return http_raw(
        join("\r\n", "GET /$provider HTTP/1.1", 'Host: gateway',
            'Connection: close', "Authorization: Bearer $token",
            "X-Para-Session: $session", '', ''),
        port => $nginx->{port},
    );
}


# ---- Checks ---------------------------------------------------------------

my (@tokens, $same);

sub accepted {
    my ($provider, $name, $token) = @_;
    push @tokens, $token;
    my $answer = send_token($provider, $token, $alice->{verificationToken});
    like($answer, qr{\AHTTP/1.1 200 }, "accepted: $name")
        or diag(new_log());
    new_log();
    reset_app();
    return;
}

sub refused {
    my ($provider, $name, $token, $reason, $code) = @_;

    $code //= 'token_invalid';
    push @tokens, $token;

    # A session that Para has not been asked about: it would be seen.
    my $calls  = para_calls();
    my $answer = send_token($provider, $token, 'never-verified');
    my $log    = new_log();
    my ($refusal) = $log =~ /para_auth: refused, (code \S+, reason \S+),/;

    subtest "refused: $name" => sub {
        is($refusal, "code $code, reason $reason", 'the reason, in the log');
        unlike($log, $UNSAFE, 'the log is printable');
        is(para_calls(), $calls, 'Para is not asked');
        is(app_count(), 0, 'the app sees nothing');

        return if $code ne 'token_invalid';

        # Nothing in the answer tells one bad token from another.
        $answer =~ s/^Date: .*\n//m;
        $same //= $answer;
        is($answer, $same, 'the same answer for all');
    };
    return;
}

# What is no b64token does not even count as a token.
sub malformed {
    my ($name, $token) = @_;
    my $answer = send_token('own', $token, 'never-verified');
    subtest "malformed: $name" => sub {
        like($answer, qr{\AHTTP/1.1 400 }, 'status');
        like($answer, qr/^WWW-Authenticate: Bearer $REALM, $INVALID\r$/m,
            'challenge');
        like(new_log(), qr/code token_malformed, reason token_malformed,/,
            'the reason');
        is(app_count(), 0, 'the app sees nothing');
    };
    return;
}


# ---- Tokens ---------------------------------------------------------------

sub claims {
    my (%changed) = @_;
    my %claims = (
        iss => 'https://backend.example',
        aud => 'my-api',
        sub => 'u-1',
        exp => time + 600,
        %changed,
    );
    delete @claims{grep { !defined $claims{$_} } keys %claims};
    return \%claims;
}

sub text {
    my ($part) = @_;
    return ref $part ? $JSON->encode($part) : $part;
}

my %DEFAULT_KEY = (RS256 => $RSA, ES256 => $EC, HS256 => $SECRET);
my %DEFAULT_KID =
    (RS256 => 'own-rsa', ES256 => 'own-ec', HS256 => 'own-hmac');

# A token with a right signature, whatever its parts say.
sub token {
    my ($alg, %part) = @_;
    my $header  = $part{header} // {};
    my $payload = $part{payload} // claims();

    $header = {alg => $alg, kid => $DEFAULT_KID{$alg}, %$header}
        if ref $header eq 'HASH';
    if (ref $header eq 'HASH') {
        delete @$header{grep { !defined $header->{$_} } keys %$header};
    }

    return sign_raw($alg, $part{key} // $DEFAULT_KEY{$alg},
        text($header), text($payload));
}

# The same with another signature (bytes).
sub resigned {
    my ($token, $signature) = @_;
    return $token =~ s/[^.]*\z/encode_base64url($signature)/er;
}

sub signature {
    my ($token) = @_;
    return decode_base64url($token =~ s/.*\.//r);
}

my %GOOD = map { $_ => token($_) } qw(RS256 ES256 HS256);

accepted('own',  "$_, the control",  $GOOD{$_}) for sort keys %GOOD;
accepted('para', 'Para\'s own', $alice->{jwt});
accepted('para', 'of Para\'s second key', para_jwt('alice', key_index => 1));


# ---- alg ------------------------------------------------------------------

for my $alg ('none', 'None', 'nOnE', 'noNe ', '', 'rs256', 'RS256 ', 'RS1',
    'ES521', 'HS1', 'PS', 'EDDSA', 'ed25519', "none\x{200b}", 'RSA')
{
    my $bytes = $alg;
    utf8::encode($bytes);
    my $header = qq({"alg":"$bytes","kid":"own-rsa"});
    my $shown  = $alg =~ s/([^ -~])/sprintf '\\u%04x', ord $1/ger;

    refused('own', "alg \"$shown\", signed", token('RS256', header => $header),
        'jws_alg_unknown');
    refused('own', "alg \"$shown\", not signed",
        resigned(token('RS256', header => $header), ''), 'jws_segments');
    refused('own', "alg \"$shown\", some signature",
        resigned(token('RS256', header => $header), 'x'), 'jws_alg_unknown');
}

refused('own', 'alg none, escaped',
    token('RS256', header => '{"alg":"\u006eone","kid":"own-rsa"}'),
    'jws_alg_unknown');
accepted('own', 'alg RS256, escaped',
    token('RS256', header => '{"alg":"\u0052S256","kid":"own-rsa"}'));
refused('own', 'no alg', token('RS256', header => '{"kid":"own-rsa"}'),
    'jws_alg_missing');
refused('own', "alg $_",
    token('RS256', header => qq({"alg":$_,"kid":"own-rsa"})), 'jws_header')
    for '256', 'null', 'true', '["RS256"]', '{}';

refused('para', 'an algorithm that Para does not use',
    token('ES256', payload => claims(aud => $PARA_AUDIENCE, iss => undef)),
    'jws_alg_not_allowed');
refused('list', 'an algorithm that is not on the list',
    token($_, payload => claims(aud => 'x', iss => undef)),
    'jws_alg_not_allowed')
    for 'RS256', 'HS256';
accepted('list', 'the one that is',
    token('ES256', payload => claims(aud => 'x', iss => undef)));

# The public key as a secret, in every form that an attacker has it in.
my %PUBLIC = (
    'PEM'               => $RSA->export_key_pem('public_x509'),
    'PEM, not its end'  => $RSA->export_key_pem('public_x509') =~ s/\n\z//r,
    'PEM, PKCS 1'       => $RSA->export_key_pem('public'),
    'DER'               => $RSA->export_key_der('public'),
    'JWK'               => $RSA->export_key_jwk('public'),
    'modulus'           => decode_base64url(public($RSA)->{n}),
    'modulus in base64' => public($RSA)->{n},
    'nothing'           => "\0",
);
for my $form (sort keys %PUBLIC) {
    my $forged = sub {
        return token('HS256', key => $PUBLIC{$form}, header => {@_});
    };
    refused('own', "HS256 with the RSA key's $form",
        $forged->(kid => 'own-rsa'), 'jws_alg_not_allowed');
    refused('own', "HS256 with the RSA key's $form, no kid",
        $forged->(kid => undef), 'signature');
    refused('own', "HS256 with the RSA key's $form, kid of the secret",
        $forged->(), 'signature');
    refused('pem', "HS256 with the RSA key's $form where only RSA is",
        sign_raw('HS256', $PUBLIC{$form}, '{"alg":"HS256"}',
            text(claims(iss => undef))), 'jws_alg_not_allowed');
}
refused('own', 'HS256 with the empty key',
    resigned(token('HS256'), hmac('SHA256', "\0" x 64,
        token('HS256') =~ s/\.[^.]*\z//r)), 'signature');
refused('own', 'RS256 with the kid of the EC key',
    token('RS256', header => {kid => 'own-ec'}), 'jws_alg_not_allowed');
refused('own', 'ES256 with the kid of the RSA key',
    token('ES256', header => {kid => 'own-rsa'}), 'jws_alg_not_allowed');


# ---- kid ------------------------------------------------------------------

sub mixed {
    my ($alg, $kid, %part) = @_;
    return token($alg, header => {kid => $kid},
        payload => claims(iss => undef, aud => undef), %part);
}

accepted('mixed', "kid $_->[1]", mixed(@$_))
    for ['ES256', 'ec'], ['RS256', 'rsa'], ['HS256', 'hmac'];
accepted('mixed', "$_ without kid", mixed($_, undef))
    for qw(RS256 ES256 HS256);
accepted('pem', 'kid, where the key has none',
    token('RS256', header => {kid => 'whatever'},
        payload => claims(iss => undef)));
accepted('one', 'Para\'s token without kid, one key',
    para_jwt('alice', header => {kid => undef}));

refused('para', 'no kid, two keys', para_jwt('alice', header => {kid => undef}),
    'key_ambiguous');
refused('one', 'a key of another environment',
    para_jwt('alice', key_index => 1), 'key_unknown');
refused('one', 'a key of another environment under a known kid',
    para_jwt('alice', key => para_key(1)), 'signature');
refused('mixed', 'a key for encryption',
    mixed('RS256', 'enc', key => $STRANGER), 'key_unknown');
refused('mixed', 'a key that must not verify',
    mixed('RS256', 'ops', key => $PARA), 'key_unknown');
refused('mixed', 'the empty secret', mixed('HS256', 'empty', key => "\0"),
    'key_unknown');
refused('mixed', 'a P-384 key for ES256', mixed('ES256', 'p384', key => $P384),
    'jws_alg_not_allowed');
refused('mixed', 'a P-384 signature for the P-256 key',
    mixed('ES256', 'ec', key => $P384), 'signature');

my %KID = (
    'unknown'      => 'own-rs',
    'longer'       => 'own-rsa2',
    'another case' => 'OWN-RSA',
    'path'         => '../../../../etc/passwd',
    'SQL'          => q{' OR '1'='1},
    'CR LF'        => "own-rsa\r\nX-Evil: 1",
    'escape'       => "\e[2J\x{9b}2J\x7f",
    'separators'   => "\x{2028}\x{2029}\x{85}",
    'formats'      => '%n%s%n%s%V%*s',
    'quotes'       => '", kid "\\',
    'at the limit' => 'k' x MAX_KID,
);
refused('own', "kid: $_", token('RS256', header => {kid => $KID{$_}}),
    'key_unknown')
    for sort keys %KID;

my %BAD_KID = (
    'a number' => '7',
    'null'     => 'null',
    'empty'    => '""',
    'NUL'      => '"own-rsa\u0000"',
    'array'    => '["own-rsa"]',
    'long'     => '"' . 'k' x (MAX_KID + 1) . '"',
    '4 KiB'    => '"' . 'k' x 4096 . '"',
);
refused('own', "kid: $_",
    token('RS256', header => qq({"alg":"RS256","kid":$BAD_KID{$_}})),
    'jws_header')
    for sort keys %BAD_KID;

# It is in the log once, escaped and cut.
{
    send_token('own', token('RS256', header => {kid => "a\"\r\nb\x{9b}" x 30}),
        'x');
    my $log = new_log();
    my ($line, @more) = grep {/para_auth/} split /\n/, $log;
    is(scalar @more, 0, 'a kid with line ends makes one line');
    my ($kid) = $line =~ /kid "(.*)", credential "[0-9a-f]{16}",/;
    ok(defined $kid && length $kid <= 4 * 64, 'and is cut');
}


# ---- What an issuer can be told ---------------------------------------------

sub strict {
    my ($typ, %claims) = @_;
    return token('ES256',
        header  => {typ => $typ},
        payload => claims(iss => undef, iat => time, groups => [{name => 'a'}],
            %claims));
}

accepted('strict', 'all that is asked for', strict('at+jwt'));
accepted('strict', 'the other type', strict('application/X'));
accepted('strict', 'no type', strict(undef));
refused('strict', 'a type that is not listed', strict('JWT'), 'jws_typ');
refused('strict', 'too old', strict('x', iat => time - 60 - LEEWAY),
    'iat_old');
accepted('strict', 'not too old',
    strict('x', iat => time - 60 - LEEWAY + SLACK));
refused('strict', 'no iat', strict('x', iat => undef), 'iat_missing');
refused('strict', 'no subject', strict('x', sub => undef), 'claim_missing');
refused('strict', 'no group', strict('x', groups => []), 'claim_missing');
refused('strict', 'the session of the guide has ended',
    strict('x', capsule_session_exp => time - 60), 'token_expired',
    'token_expired');
refused('strict', 'an expiry in milliseconds',
    strict('x', expiry => 1000 * (time + 600)), 'time_milliseconds?');
accepted('strict', 'an expiry in place of exp',
    strict('x', exp => undef, expiry => time + 60));

sub loose {
    my ($alg, %claims) = @_;
    return token($alg, key => $SECRET x 2, header => {kid => undef},
        payload => claims(iss => undef, exp => undef, %claims));
}

accepted('loose', "no end, $_", loose($_)) for 'HS256', 'HS384';
refused('loose', 'an end that has passed',
    loose('HS256', exp => time - 60), 'token_expired', 'token_expired');
refused('loose', 'a longer hash that the issuer does not allow',
    loose('HS512'), 'jws_alg_not_allowed');

accepted('wide', $_, sign_raw($_, $RSA, qq({"alg":"$_"}),
    text(claims(iss => undef)))) for 'PS256', 'RS512';
refused('wide', $_, sign_raw($_, $RSA, qq({"alg":"$_"}),
    text(claims(iss => undef))), 'jws_alg_not_allowed')
    for 'RS256', 'PS512', 'RS384';


# ---- Other members of the header ------------------------------------------

my %IGNORED = (
    jwk   => public($STRANGER),
    jku   => "$PARA_URL/.well-known/jwks.json",
    x5u   => "$PARA_URL/x5u",
    x5c   => ['MIIB'],
    x5t   => 'dGh1bWI',
    other => {deep => [1, 2]},
    cty   => 'text/plain',
);
for my $member (sort keys %IGNORED) {
    my %header = ($member => $IGNORED{$member});
    accepted('own', "$member, which is ignored",
        token('RS256', header => \%header));
    refused('own', "$member, with a key of its own",
        token('RS256', header => \%header, key => $STRANGER), 'signature');
    refused('own', "$member, without kid",
        token('RS256', header => {%header, kid => undef}, key => $STRANGER),
        'signature');
}

my @MEMBERS = (
    [crit => '["exp"]',            'jws_crit'],
    [crit => '["b64"]',            'jws_crit'],
    [crit => '[]',                 'jws_crit'],
    [crit => 'null',               'jws_crit'],
    [b64  => 'false',              'jws_encoding'],
    [b64  => 'true',               'jws_encoding'],
    [zip  => '"DEF"',              'jws_encoding'],
    [enc  => '"A128GCM"',          'jws_encoding'],
    [cty  => '"JWT"',              'jws_encoding'],
    [cty  => '"application/jwt"',  'jws_encoding'],
    [cty  => '1',                  'jws_header'],
    [typ  => '"JWE"',              'jws_typ'],
    [typ  => '"JWTX"',             'jws_typ'],
    [typ  => '"dpop+jwt"',         'jws_typ'],
    [typ  => '"logout+jwt"',       'jws_typ'],
    [typ  => '"text/JWT"',         'jws_typ'],
    [typ  => '"application/"',     'jws_typ'],
    [typ  => '""',                 'jws_typ'],
    [typ  => 'null',               'jws_header'],
);
refused('own', "$_->[0]: $_->[1]",
    token('RS256',
        header => qq({"alg":"RS256","kid":"own-rsa","$_->[0]":$_->[1]})),
    $_->[2])
    for @MEMBERS;
accepted('own', "typ $_", token('RS256', header => {typ => $_}))
    for 'JWT', 'jwt', 'application/jwt', 'Application/JWT';


# ---- Signatures -----------------------------------------------------------

for my $alg (sort keys %GOOD) {
    my $good      = $GOOD{$alg};
    my $signature = signature($good);
    my $flipped   = $signature ^ ("\0" x (length($signature) - 1) . "\x01");

    refused('own', "$alg: a bit of the signature", resigned($good, $flipped),
        'signature');
    refused('own', "$alg: $_->[0]", resigned($good, $_->[1]), 'signature')
        for ['a byte less', substr $signature, 0, -1],
        ['a byte more',     "$signature\0"],
        ['a leading zero',  "\0$signature"],
        ['zeros',           "\0" x length $signature],
        ['ones',            "\xff" x length $signature],
        ['one byte',        'x'],
        ['16 bytes',        substr $signature, 0, 16],
        ['twice',           $signature x 2];
    refused('own', "$alg: none", resigned($good, ''), 'jws_segments');
    refused('own', "$alg: 20,000 bytes", resigned($good, 'x' x 20_000),
        'jws_size');
    refused('own', "$alg: claims changed", tamper($good), 'signature');
    refused('own', "$alg: header changed",
        encode_base64url(text({alg => $alg, kid => $DEFAULT_KID{$alg}, x => 1}))
            . ($good =~ s/\A[^.]*//r), 'signature');
    refused('own', "$alg: of another token",
        resigned(token($alg, payload => claims(sub => 'u-2')), $signature),
        'signature');
}

my ($r, $s) = unpack '(a' . EC_HALF . ')2', signature($GOOD{ES256});
my $n       = pack 'H*', $P256_N;
my $zero    = "\0" x EC_HALF;
my $one     = substr($zero, 1) . "\x01";
my $input   = $GOOD{ES256} =~ s/\.[^.]*\z//r;

my %ECDSA = (
    'r = 0'          => $zero . $s,
    's = 0'          => $r . $zero,
    'r = n'          => $n . $s,
    's = n'          => $r . $n,
    'r = s = 1'      => $one . $one,
    'r = s = n'      => $n . $n,
    'halves of 33'   => "\0$r\0$s",
    'halves swapped' => $s . $r,
    'DER'            => $EC->sign_message($input, 'SHA256'),
    'SHA-384'        => $EC->sign_message_rfc7518($input, 'SHA384'),
);
refused('own', "ES256: $_", resigned($GOOD{ES256}, $ECDSA{$_}), 'signature')
    for sort keys %ECDSA;

my $rsa_input = $GOOD{RS256} =~ s/\.[^.]*\z//r;
my %RSA_SIGNATURE = (
    'PSS'             => $RSA->sign_message($rsa_input, 'SHA256', 'pss', 32),
    'PSS, no salt'    => $RSA->sign_message($rsa_input, 'SHA256', 'pss', 0),
    'SHA-1'           => $RSA->sign_message($rsa_input, 'SHA1',   'v1.5'),
    'SHA-512'         => $RSA->sign_message($rsa_input, 'SHA512', 'v1.5'),
    'another key\'s'  => $PARA->sign_message($rsa_input, 'SHA256', 'v1.5'),
);
refused('own', "RS256: $_", resigned($GOOD{RS256}, $RSA_SIGNATURE{$_}),
    'signature')
    for sort keys %RSA_SIGNATURE;


# ---- Form -----------------------------------------------------------------

my ($h, $p, $sig) = split /\./, $GOOD{RS256};

my @FORMS = (
    ['one segment',        $h,                          'jws_segments'],
    ['two segments',       "$h.$p",                     'jws_segments'],
    ['four segments',      "$GOOD{RS256}.$sig",         'jws_segments'],
    ['five segments (JWE)', "$h.$p.$sig.$sig.$sig",     'jws_segments'],
    ['a dot at the end',   "$GOOD{RS256}.",             'jws_segments'],
    ['a dot at the start', ".$GOOD{RS256}",             'jws_segments'],
    ['no header',          ".$p.$sig",                  'jws_segments'],
    ['two dots',           '..',                        'jws_segments'],
    ['8,000 dots',         '.' x 8000,                  'jws_segments'],
    ['no payload',         "$h..$sig",                  'claims_json'],
    ['padding',            "$GOOD{RS256}=",             'jws_base64'],
    ['length 1 mod 4',     "$h.$p.${sig}AAA",           'jws_base64'],
    ['no base64 at all',   '~~.~~.~~',                  'jws_base64'],
    ['the standard alphabet', "$h.$p." . $sig =~ tr{_-}{/+}r, 'jws_base64'],
    ['over 16 KiB',        'x' x (MAX_JWS + 1),         'jws_size'],
);

# "-" and "_" are rare enough that a signature might have neither.
my $dashed = $GOOD{RS256};
$dashed = token('RS256', payload => claims(jti => rand))
    while $dashed !~ /[-_][^.]*\z/;
accepted('own', 'a signature with "-" or "_"', $dashed);
$FORMS[-2][1] = $dashed =~ s{([^.]*)\z}{$1 =~ tr|_-|/+|r}er;

# The last character of 256 bytes has four bits that say nothing.
my $spelled = $GOOD{RS256};
$spelled =~ s/(.)\z/chr(ord($1) + 1)/e;
push @FORMS, ['bits that say nothing', $spelled, 'jws_base64']
    if decode_base64url($spelled =~ s/.*\.//r) eq signature($GOOD{RS256});

refused('own', @$_) for @FORMS;

my $filler = 'x' x 11_500;
my $longest = token('RS256', payload => claims(x => $filler));
while (length($longest) < MAX_JWS - 3) {
    $filler .= 'x';
    $longest = token('RS256', payload => claims(x => $filler));
}
cmp_ok(length $longest, '<=', MAX_JWS, 'the longest fits');
accepted('own', 'a token of ' . length($longest) . ' bytes', $longest);

malformed($_->[0], $_->[1])
    for ['JSON serialization', text({payload => $p, signature => $sig})],
    ['a space',      "$h. $p.$sig"],
    ['two tokens',   "$GOOD{RS256} $GOOD{RS256}"],
    ['a comma',      "$GOOD{RS256},$GOOD{RS256}"],
    ['a TAB',        "$h.\t$p.$sig"],
    ['quotes',       "\"$GOOD{RS256}\""],
    ['non-ASCII',    "$h.$p.${sig}\xc3\xa4"],
    ['a high byte',  "\xff"],
    ['= within',     "$h=.$p.$sig"],
    ['percent',      "$h%2e$p.$sig"],
    ['only padding', '==='];

for my $byte ("\0", "\r", "\r\n ") {
    my $answer = send_token('own', "$h.$byte$p.$sig", 'never-verified');
    like($answer, qr{\AHTTP/1.1 400 }, 'byte ' . unpack 'H*', $byte);
    is(app_count(), 0, '... and the app sees nothing');
    new_log();
}


# ---- JSON -----------------------------------------------------------------

my $base = '"iss":"https://backend.example","aud":"my-api","exp":'
    . (time + 600);

sub nested {
    my ($depth) = @_;
    return "{$base,\"x\":" . '[' x ($depth - 1) . ']' x ($depth - 1) . '}';
}

my %JSON_TEXT = (
    'a member twice'          => "{$base,\"a\":1,\"a\":1}",
    'exp twice'               => "{$base,\"exp\":99999999999}",
    'a member twice, escaped' => "{$base,\"sub\":\"a\",\"s\\u0075b\":\"b\"}",
    'a member twice, nested'  => "{$base,\"x\":[{\"a\":1,\"a\":2}]}",
    'NUL behind'              => "{$base}\0",
    'NUL behind a number'     => "{$base\0}",
    'NUL escaped'             => "{$base,\"x\":\"\\u0000\"}",
    'BOM'                     => "\xef\xbb\xbf{$base}",
    'bad UTF-8'               => "{$base,\"x\":\"\xff\"}",
    'overlong UTF-8'          => "{$base,\"x\":\"\xc0\xaf\"}",
    'a surrogate'             => "{$base,\"x\":\"\xed\xa0\x80\"}",
    'half a pair'             => "{$base,\"x\":\"\\ud800\"}",
    'UTF-16'                  => join('', map {"$_\0"} split //, "{$base}"),
    'two values'              => "{$base}{$base}",
    'text behind'             => "{$base} x",
    'a comment'               => "{$base/**/}",
    'a trailing comma'        => "{$base,}",
    'single quotes'           => "{$base,'x':1}",
    'NaN'                     => "{$base,\"x\":NaN}",
    'Infinity'                => "{$base,\"x\":Infinity}",
    'a leading zero'          => "{$base,\"x\":01}",
    'a number of 1e400'       => "{$base,\"x\":1e400}",
    'a control character'     => "{$base,\"x\":\"\n\"}",
    'array'                   => "[{$base}]",
    'string'                  => '"x"',
    'number'                  => '1',
    'null'                    => 'null',
    'cut off'                 => "{$base",
    'depth 17'                => nested(17),
    'depth 2,000'             => nested(2000),
);
refused('own', "claims: $_", token('RS256', payload => $JSON_TEXT{$_}),
    'claims_json')
    for sort keys %JSON_TEXT;

accepted('own', "claims: $_->[0]", token('RS256', payload => $_->[1]))
    for ['depth 16', nested(16)], ['white space', " \t\r\n{ $base } \n"],
    ['UTF-8', "{$base,\"x\":\"\xc3\xa4\xf0\x9f\x98\x80\"}"],
    ['brackets in a string', "{$base,\"x\":\"" . '[{' x 50 . '"}'];

my $head = '"alg":"RS256","kid":"own-rsa"';
my %HEADER_TEXT = (
    'alg twice'           => "{\"alg\":\"none\",$head}",
    'alg twice, escaped'  => "{\"\\u0061lg\":\"none\",$head}",
    'crit twice'          => "{$head,\"x\":{\"crit\":1,\"crit\":2}}",
    'NUL behind'          => "{$head}\0",
    'BOM'                 => "\xef\xbb\xbf{$head}",
    'array'               => "[{$head}]",
    'two values'          => "{$head}{}",
    'depth 17'            => "{$head,\"x\":" . '[' x 16 . ']' x 16 . '}',
    'bad UTF-8'           => "{$head,\"x\":\"\xff\"}",
    'empty object behind' => "{$head},{}",
);
refused('own', "header: $_", token('RS256', header => $HEADER_TEXT{$_}),
    'jws_header')
    for sort keys %HEADER_TEXT;
refused('own', 'header: empty object', token('RS256', header => '{}'),
    'jws_alg_missing');


# ---- Time -----------------------------------------------------------------

# A claim as JSON text, in a token that is right otherwise.
sub timed {
    my ($claim, $json) = @_;
    my $payload = text(claims($claim => undef));
    $payload =~ s/\A\{/{"$claim":$json,/;
    return token('ES256', payload => $payload);
}

my $now = time;

refused('own', 'no exp', token('ES256', payload => claims(exp => undef)),
    'exp_missing');

for my $claim (qw(exp nbf iat)) {
    refused('own', "$claim: $_", timed($claim, $_), 'time_type')
        for '"' . ($now + 600) . '"', 'null', 'true', '[]', '{}', '""';
    refused('own', "$claim: $_", timed($claim, $_), 'time_milliseconds?')
        for $now * 1000, '100000000000', '9223372036854775807', '1e308',
        '1e11';
    refused('own', "$claim: $_", timed($claim, $_), 'claims_json')
        for '9223372036854775808', '1e400';
}

refused('own', "exp: $_", timed(exp => $_), 'token_expired', 'token_expired')
    for 0, -1, '-1e308', 1, $now - 600, $now - LEEWAY, $now - LEEWAY - 0.5;
accepted('own', "exp: $_->[0]", timed(exp => $_->[1]))
    for ['in the leeway', $now - LEEWAY + SLACK], ['99999999999', 99999999999],
    ['a fraction', $now + 60.25], ['an exponent', sprintf '%.9e', $now + 60];

refused('own', "nbf in $_ s", timed(nbf => time + $_), 'nbf_future')
    for LEEWAY + SLACK, 600, LEEWAY + SLACK + 0.5;
refused('own', "iat in $_ s", timed(iat => time + $_), 'iat_future')
    for LEEWAY + SLACK, 600;
accepted('own', "$_->[0] in $_->[1] s", timed($_->[0], time + $_->[1]))
    for ['nbf', LEEWAY], ['iat', LEEWAY], ['nbf', 0], ['nbf', -600],
    ['iat', -10_000_000], ['iat', -0.5];
accepted('own', "$_->[0]: $_->[1]", timed(@$_))
    for ['nbf', 0], ['nbf', -1], ['iat', '-1e308'];

# Without a leeway.
for my $case (['exp', 0, 'token_expired'], ['nbf', SLACK, 'nbf_future']) {
    my ($claim, $after, $reason) = @$case;
    refused('list', "leeway 0: $claim in $after s",
        token('ES256', payload =>
                claims(iss => undef, aud => 'x', $claim => time + $after)),
        $reason, $reason =~ /expired/ ? $reason : 'token_invalid');
}
accepted('list', 'leeway 0: exp in a moment', token('ES256', payload =>
        claims(iss => undef, aud => 'x', exp => time + SLACK, nbf => time)));

# Only a token that is right otherwise is "expired".
refused('own', 'expired, and tampered with',
    tamper(timed(exp => $now - 600), sub => 'x'), 'signature');
refused('own', 'expired, and for another audience',
    token('ES256', payload => claims(exp => $now - 600, aud => 'x')),
    'aud_mismatch');


# ---- aud and iss ----------------------------------------------------------

my @AUD = (
    ['another',            'other',              'aud_mismatch'],
    ['a prefix',           'my-ap',              'aud_mismatch'],
    ['a suffix',           'my-api2',            'aud_mismatch'],
    ['another case',       'My-Api',             'aud_mismatch'],
    ['a space',            'my-api ',            'aud_mismatch'],
    ['a comma list',       'other,my-api',       'aud_mismatch'],
    ['a list with spaces', 'my-api other',       'aud_mismatch'],
    ['empty',              '',                   'aud_mismatch'],
    ['an empty array',     [],                   'aud_mismatch'],
    ['an array of others', [qw(a b)],            'aud_mismatch'],
    ['a nested array',     [['my-api']],         'claim_type'],
    ['an object',          {'my-api' => 1},      'claim_type'],
    ['a number',           1,                    'claim_type'],
    ['true',               JSON::PP::true(),     'claim_type'],
    ['a number in it',     ['my-api', 1],        'claim_type'],
    ['null in it',         ['my-api', undef],    'claim_type'],
);
refused('own', "aud: $_->[0]",
    token('ES256', payload => claims(aud => $_->[1])), $_->[2])
    for @AUD;
refused('own', 'no aud', token('ES256', payload => claims(aud => undef)),
    'aud_missing');
refused('own', 'aud: null', token('ES256', payload =>
        text(claims()) =~ s/"my-api"/null/r), 'claim_type');
accepted('own', 'aud: one of several',
    token('ES256', payload => claims(aud => ['other', 'my-api'])));
accepted('list', "aud: $_",
    token('ES256', payload => claims(iss => undef, aud => $_)))
    for qw(x y);
refused('list', 'aud: both in one text',
    token('ES256', payload => claims(iss => undef, aud => 'x y')),
    'aud_mismatch');
refused('para', 'another Para app\'s', para_jwt('alice',
        aud => 'a31b8f2e-7c6d-4e5a-9f8b-1d2c3a4b5e6f'), 'aud_mismatch');
refused('para', 'aud missing from a Para token',
    para_jwt('alice', aud => undef), 'aud_missing');
accepted('mixed', 'aud where none is configured', mixed('ES256', 'ec',
        payload => claims(iss => undef, aud => 'whatever')));

my @ISS = (
    ['missing',          undef,                       'iss_unknown'],
    ['another',          'https://other.example',     'iss_unknown'],
    ['a trailing slash', 'https://backend.example/',  'iss_unknown'],
    ['another case',     'https://Backend.example',   'iss_unknown'],
    ['a prefix',         'https://backend.exampl',    'iss_unknown'],
    ['empty',            '',                          'iss_unknown'],
    ['a number',         1,                           'claim_type'],
    ['an array',         ['https://backend.example'], 'claim_type'],
    ['an object',        {},                          'claim_type'],
);
refused('own', "iss: $_->[0]",
    token('ES256', payload => claims(iss => $_->[1])), $_->[2])
    for @ISS;
refused('own', 'iss: null', token('ES256', payload =>
        text(claims()) =~ s/"https:[^"]*"/null/r), 'claim_type');

sub of {
    my ($alg, $key, $iss) = @_;
    return token($alg, key => $key, header => {kid => undef},
        payload => claims(iss => $iss, aud => 'api'));
}
accepted('two', 'issuer a', of('RS256', $RSA, 'a'));
accepted('two', 'issuer b', of('RS256', $STRANGER, 'b'));
accepted('two', 'no issuer', of('ES256', $EC, undef));
refused('two', 'a\'s key, b\'s name', of('RS256', $RSA, 'b'), 'signature');
refused('two', 'b\'s key, a\'s name', of('RS256', $STRANGER, 'a'), 'signature');
refused('two', 'a\'s key, no name', of('RS256', $RSA, undef),
    'jws_alg_not_allowed');
refused('two', 'nobody\'s key, a\'s name', of('ES256', $EC, 'a'),
    'jws_alg_not_allowed');
refused('two', 'a name that nobody has', of('ES256', $EC, 'c'), 'iss_unknown');
refused('para', 'iss in a Para token', para_jwt('alice', iss => 'para'),
    'iss_unknown');


# ---- Whom Para's tokens are about -----------------------------------------

refused('para', 'sub is not data.userId',
    para_jwt('alice', sub => login('bob')->{userId}), 'claim_subject');
refused('para', 'sub in another case',
    para_jwt('alice', sub => uc $alice->{userId}), 'claim_subject');
refused('para', "sub: $_->[0]", para_jwt('alice', sub => $_->[1]),
    'claim_type')
    for ['a number', 1], ['an array', [$alice->{userId}]];
refused('para', 'data.userId: a number',
    para_jwt('alice', data => {userId => 1}), 'claim_type');
accepted('para', 'no sub', para_jwt('alice', sub => undef));


# ---- The log --------------------------------------------------------------

# nginx itself shows the header lines that are no HTTP.
my $log = join "\n", grep { !/client sent invalid header line/ } split /\n/,
    $nginx->error_log;

my @found = grep { length > MIN_SECRET && index($log, $_) >= 0 }
    map { split /\./ } $alice->{verificationToken}, @tokens;
is_deeply(\@found, [], 'the log has no part of a credential');

open my $key, '<', "$PARA_DIR/secret.key" or die "secret.key: $!\n";
chomp(my $api_key = <$key>);
unlike($log, qr/\Q$api_key\E/, 'the log has no API key');
unlike($log, qr/\[(?:alert|emerg|crit|error)\]/, 'nothing grave in the log');
like($log, qr/credential "[0-9a-f]{16}",/, 'a short hash instead');

done_testing();
