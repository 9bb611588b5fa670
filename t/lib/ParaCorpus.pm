package ParaCorpus;

# The attack corpus: bad JWTs, each with the one check that refuses it, beside
# honest neighbours that must be accepted.  All keys are made when it is loaded,
# all signatures by CryptX, which has nothing in common with the code under
# test.  t/corpus.t holds it against the core alone, t/jose.t sends it through
# nginx.
#
#   use ParaTest;
#   use ParaCorpus;
#
#   corpus_providers()   NAME => [ISSUER, ..]; an ISSUER has kind (para, own),
#                        name, keys (a file), algorithms, audience (lists), and
#                        perhaps iss, leeway, max_age, typ and require (lists),
#                        endless (exp is not required), and layer (as of
#                        "para_auth")
#   corpus_cases()       of hashes: provider, name, reason ("ok" for a control),
#                        code, token (text, or a sub that makes it, given the
#                        time), and perhaps
#                          now     the second that it is about: core alone
#                          answer  what Para says of the session: core alone
#                          match   see para_auth_match
#                          core    the core's reason, where nginx comes first
#   corpus_answers()     of hashes: name, text, reason: an answer of Para's
#   corpus_sessions()    of hashes: name, text, reason: a session token
#   corpus_sets()        of hashes: name, kind (public, local), file, keys (how
#                        many are usable) and left_out (a pattern of the reasons
#                        for the others), or refused (a pattern)

use strict;
use warnings;

use Exporter qw(import);

use ParaTest;

use Crypt::Mac::HMAC     qw(hmac);
use Crypt::PK::ECC       ();
use Crypt::PK::Ed25519   ();
use Crypt::PK::RSA       ();
use Crypt::PRNG          qw(random_bytes);
use JSON::PP             ();
use Math::BigInt         ();
use MIME::Base64         qw(decode_base64url encode_base64url);

our @EXPORT = qw(corpus_providers corpus_cases corpus_sets corpus_answers
    corpus_sessions);

use constant {
    LEEWAY  => 10,
    SLACK   => 5,      # a slow machine may lie between us and nginx
    MAX_JWS => 16384,
    MAX_KID => 256,
    MAX_ID  => 256,
    MAX_TEXT => 512,
    MAX_SET  => 65536,
    MAX_KEYS => 32,
    RSA_SIZE => 256,
    EC_HALF  => 32,
    RSA_E    => 65537,
    MOMENT   => 2_000_000_000,    # of the cases that say when they are
};

# Of P-256, FIPS 186-5; and of Ed25519, RFC 8032 5.1
my $P256_N =
    'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
my $ED25519_L =
    '1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed';

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

my (@cases, @sets, @answers, @sessions);


# ---- Keys -----------------------------------------------------------------

sub new_rsa {
    my ($bytes, $e) = @_;
    my $key = Crypt::PK::RSA->new;
    $key->generate_key($bytes // RSA_SIZE, $e // RSA_E);
    return $key;
}

sub new_ec {
    my ($curve) = @_;
    my $key = Crypt::PK::ECC->new;
    $key->generate_key($curve);
    return $key;
}

sub new_ed {
    my $key = Crypt::PK::Ed25519->new;
    $key->generate_key;
    return $key;
}

my ($RSA, $EC, $SECRET) = map { own_key($_) } qw(RS256 ES256 HS256);
my $PARA     = Crypt::PK::RSA->new(para_key(0));
my $PARA_KID = para_key(0)->{kid};
my $STRANGER = new_rsa();
my %EC       = (
    'P-384'     => new_ec('secp384r1'),
    'P-521'     => new_ec('secp521r1'),
    'secp256k1' => new_ec('secp256k1'),
);
my $P384 = $EC{'P-384'};
my ($ED, $OTHER_ED) = map { new_ed() } 1 .. 2;
my $LONG_SECRET = random_bytes(64);

# How CryptX signs with an algorithm, and which key and kid are for it.
my %SIGN = (
    (   map {
            my $bits = $_;
            "RS$bits" =>
                sub { $_[0]->sign_message($_[1], "SHA$bits", 'v1.5') },
                "PS$bits" => sub {
                $_[0]->sign_message($_[1], "SHA$bits", 'pss', $bits / 8);
                },
                "HS$bits" => sub { hmac("SHA$bits", $_[0], $_[1]) },
                "ES$bits" =>
                sub { $_[0]->sign_message_rfc7518($_[1], "SHA$bits") }
        } 256, 384, 512
    ),
    ES256K  => sub { $_[0]->sign_message_rfc7518($_[1], 'SHA256') },
    EdDSA   => sub { $_[0]->sign_message($_[1]) },
    Ed25519 => sub { $_[0]->sign_message($_[1]) },
);

my %DEFAULT_KEY = (
    (map { $_ => $RSA } qw(RS256 RS384 RS512 PS256 PS384 PS512)),
    ES256   => $EC,
    ES384   => $P384,
    ES512   => $EC{'P-521'},
    ES256K  => $EC{secp256k1},
    EdDSA   => $ED,
    Ed25519 => $ED,
    HS256   => $SECRET,
    HS384   => $LONG_SECRET,
    HS512   => $LONG_SECRET,
);
my %DEFAULT_KID =
    (RS256 => 'own-rsa', ES256 => 'own-ec', HS256 => 'own-hmac');
my @THREE = sort keys %DEFAULT_KID;
my @ALL   = sort keys %SIGN;

# As ParaTest's, of every algorithm.
sub sign_any {
    my ($alg, $key, $header, $payload) = @_;
    my $input = join '.', map { encode_base64url($_) } $header, $payload;
    return $input . '.' . encode_base64url($SIGN{$alg}->($key, $input));
}

sub jwks {
    my ($name, @keys) = @_;
    return put_file("$name.json", $JSON->encode({keys => \@keys}), oct '0400');
}

sub public { return $_[0]->export_key_jwk('public', 1) }

sub oct_jwk {
    my ($secret, %members) = @_;
    return {kty => 'oct', k => encode_base64url($secret), %members};
}


# ---- Providers ------------------------------------------------------------

my @BACKEND = (iss => 'https://backend.example', audience => ['my-api']);

my %PROVIDER = (
    para => [{kind => 'para', keys => "$PARA_DIR/jwks.json"}],
    one  => [{kind => 'para',
        keys => jwks('one', {%{public($PARA)}, kid => $PARA_KID})}],
    told => [{kind => 'para', keys => "$PARA_DIR/jwks.json", layer => 'jwt'}],
    own  => [
        {   name       => 'backend',
            keys       => "$PARA_DIR/own.jwks.json",
            algorithms => [qw(RS256 ES256)],
            @BACKEND
        },
        {   name       => 'backend-hmac',
            keys       => "$PARA_DIR/own-hmac.jwks.json",
            algorithms => ['HS256'],
            @BACKEND
        },
    ],
    said => [{
        name       => 'backend',
        keys       => "$PARA_DIR/own-ec.pem",
        algorithms => ['ES256'],
        layer      => 'jwt',
        @BACKEND
    }],
    pem => [{keys => "$PARA_DIR/own-rsa.pem", algorithms => ['RS256']}],
    mixed => [
        {   keys => jwks('mixed',
                {%{public($EC)}, kid => 'ec'},
                {%{public($RSA)}, kid => 'rsa', alg => 'RS256'},
                {%{public($STRANGER)}, kid => 'enc', use => 'enc'},
                {%{public($PARA)}, kid => 'ops', key_ops => ['sign']},
                {%{public($P384)}, kid => 'p384'},
                oct_jwk('', kid => 'empty')),
            algorithms => [qw(RS256 ES256)],
        },
        {   name       => 'secret',
            keys       => jwks('secret', oct_jwk($SECRET, kid => 'hmac')),
            algorithms => ['HS256'],
        },
    ],
    two => [
        {   name       => 'a',
            keys       => "$PARA_DIR/own-rsa.pem",
            algorithms => ['RS256'],
            iss        => 'a',
            audience   => ['api'],
        },
        {   name => 'b',
            keys => put_file('b.pem', $STRANGER->export_key_pem('public_x509')),
            algorithms => ['RS256'],
            iss        => 'b',
            audience   => ['api'],
        },
        {   name       => 'none',
            keys       => "$PARA_DIR/own-ec.pem",
            algorithms => ['ES256'],
            audience   => ['api'],
        },
    ],
    strict => [{
        keys       => "$PARA_DIR/own-ec.jwks.json",
        algorithms => ['ES256'],
        max_age    => 60,
        typ        => [qw(at+jwt x)],
        require    => ['groups[0].name', 'sub'],
    }],
    loose => [{
        keys => jwks('loose', oct_jwk($LONG_SECRET)),
        algorithms => [qw(HS256 HS384)],
        endless    => 1,
    }],
    wide => [{
        keys       => "$PARA_DIR/own-rsa.pem",
        algorithms => [qw(PS256 RS512)],
    }],
    apart => [
        {   name       => 'a',
            keys       => jwks('apart-a', {%{public($RSA)}, kid => 'a'}),
            algorithms => ['PS256'],
        },
        {   name       => 'b',
            keys       => jwks('apart-b', {%{public($STRANGER)}, kid => 'b'}),
            algorithms => ['RS256'],
        },
    ],
    list => [{
        keys       => "$PARA_DIR/own.jwks.json",
        algorithms => ['ES256'],
        audience   => [qw(x y)],
        leeway     => 0,
    }],
    every => [
        {   keys => jwks('every',
                {%{public($RSA)}, kid => 'rsa'},
                {%{public($RSA)}, kid => 'ps256', alg => 'PS256'},
                {%{public($EC)}, kid => 'ES256'},
                {%{public($P384)}, kid => 'ES384'},
                {%{public($EC{'P-521'})}, kid => 'ES512'},
                {%{public($EC{secp256k1})}, kid => 'ES256K',
                    crv => 'secp256k1'},
                {%{public($ED)}, kid => 'ed'},
                {%{public($ED)}, kid => 'ed-new', alg => 'Ed25519'}),
            algorithms => [grep { !/\AHS/ } @ALL],
        },
        {   name => 'secret',
            keys => jwks('every-secret', oct_jwk($LONG_SECRET, kid => 'long'),
                oct_jwk($SECRET, kid => 'short')),
            algorithms => [qw(HS256 HS384 HS512)],
        },
    ],
    narrow => [{
        keys       => jwks('narrow', {%{public($RSA)}, kid => 'rsa'},
            {%{public($ED)}, kid => 'ed'}),
        algorithms => [qw(PS256 EdDSA)],
    }],
);

for my $issuer (map {@$_} values %PROVIDER) {
    my $is_para = ($issuer->{kind} //= 'own') eq 'para';
    $issuer->{name}       //= $is_para ? 'para' : 'backend';
    $issuer->{audience}   //= $is_para ? [$PARA_AUDIENCE] : [];
    $issuer->{algorithms} //= ['RS256'];
    $issuer->{leeway}     //= LEEWAY;
}

my $alice = login('alice');


# ---- What a case is made with ---------------------------------------------

sub accepted {
    my ($provider, $name, $token, %more) = @_;
    push @cases, {provider => $provider, name => $name, token => $token,
        reason => 'ok', code => 'ok', %more};
    return;
}

sub refused {
    my ($provider, $name, $token, $reason, $code, %more) = @_;
    push @cases, {provider => $provider, name => $name, token => $token,
        reason => $reason, code => $code // 'token_invalid', %more};
    return;
}

# What is no b64token does not even count as a token, where there is HTTP.
sub malformed {
    my ($name, $token, $core) = @_;
    refused('own', $name, $token, 'token_malformed', 'token_malformed',
        core => $core);
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

    return sign_any($alg, $part{key} // $DEFAULT_KEY{$alg},
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

my %GOOD = map { $_ => token($_) } @THREE;

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
        sign_any('HS256', $PUBLIC{$form}, '{"alg":"HS256"}',
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


# ---- What an issuer can be told -------------------------------------------

sub strict {
    my ($typ, %after) = @_;
    my %claims = map { $_ => delete $after{$_} }
        grep { !defined $after{$_} || ref $after{$_} } keys %after;
    return sub {
        my ($now) = @_;
        return token('ES256',
            header  => {typ => $typ},
            payload => claims(
                iss    => undef,
                iat    => $now,
                groups => [{name => 'a'}],
                %claims,
                map { $_ => $now + $after{$_} } keys %after
            ));
    };
}

accepted('strict', 'all that is asked for', strict('at+jwt'));
accepted('strict', 'the other type', strict('application/X'));
accepted('strict', 'no type', strict(undef));
refused('strict', "type $_, which is not listed", strict($_), 'jws_typ')
    for qw(JWT at+jwtx at application/jwt);
refused('strict', 'too old', strict('x', iat => -60 - LEEWAY), 'iat_old');
accepted('strict', 'not too old', strict('x', iat => SLACK - 60 - LEEWAY));
refused('strict', 'no iat', strict('x', iat => undef), 'iat_missing');
refused('strict', 'no subject', strict('x', sub => undef), 'claim_missing');
refused('strict', 'no group', strict('x', groups => []), 'claim_missing');
refused('strict', 'a group without name', strict('x', groups => [{}]),
    'claim_missing');
refused('strict', 'the session of the guide has ended',
    strict('x', capsule_session_exp => -60), 'token_expired',
    'token_expired');
refused('strict', 'an expiry that has passed', strict('x', expiry => -60),
    'token_expired', 'token_expired');
refused('strict', 'an expiry in milliseconds',
    strict('x', expiry => 10 ** 12), 'time_milliseconds?');
accepted('strict', 'an expiry in place of exp',
    strict('x', exp => undef, expiry => 60));

sub loose {
    my ($alg, %claims) = @_;
    return token($alg, key => $LONG_SECRET, header => {kid => undef},
        payload => claims(iss => undef, exp => undef, %claims));
}

accepted('loose', "no end, $_", loose($_)) for 'HS256', 'HS384';
refused('loose', 'an end that has passed', loose('HS256', exp => time - 60),
    'token_expired', 'token_expired');
refused('loose', 'a longer hash that the issuer does not allow',
    loose('HS512'), 'jws_alg_not_allowed');

accepted('wide', $_, token($_, payload => claims(iss => undef)))
    for 'PS256', 'RS512';
refused('wide', $_, token($_, payload => claims(iss => undef)),
    'jws_alg_not_allowed')
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
accepted('own', 'a token of ' . length($longest) . ' bytes', $longest);

malformed(@$_)
    for ['JSON serialization', text({payload => $p, signature => $sig}),
    'jws_segments'],
    ['a space',        "$h. $p.$sig",                 'jws_base64'],
    ['two tokens',     "$GOOD{RS256} $GOOD{RS256}",   'jws_segments'],
    ['a comma',        "$GOOD{RS256},$GOOD{RS256}",   'jws_segments'],
    ['a TAB',          "$h.\t$p.$sig",                'jws_base64'],
    ['quotes',         "\"$GOOD{RS256}\"",            'jws_base64'],
    ['non-ASCII',      "$h.$p.${sig}\xc3\xa4",        'jws_base64'],
    ['a high byte',    "\xff",                        'jws_segments'],
    ['= within',       "$h=.$p.$sig",                 'jws_base64'],
    ['percent',        "$h%2e$p.$sig",                'jws_segments'],
    ['only padding',   '===',                         'jws_segments'],
    ['four = behind',  "$GOOD{RS256}==== $sig",       'jws_base64'];

# nginx itself has no patience with these.
refused('own', "byte $_->[0]", "$h.$_->[1]$p.$sig", 'jws_base64', undef,
    now => time)
    for ['00', "\0"], ['0d', "\r"], ['0a', "\n"], ['0d 0a 20', "\r\n "];


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

# Where each second counts, it is made when it is needed.
sub later {
    my ($claim, $after) = @_;
    return sub { timed($claim, $_[0] + $after) };
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
accepted('own', 'exp: in the leeway',
    sub { timed(exp => $_[0] - LEEWAY + SLACK) });
accepted('own', "exp: $_->[0]", timed(exp => $_->[1]))
    for ['99999999999', 99999999999],
    ['a fraction', $now + 600.25], ['an exponent', sprintf '%.9e', $now + 600];

for my $after (LEEWAY + SLACK, 600, LEEWAY + SLACK + 0.5) {
    refused('own', "$_ in $after s", later($_, $after), "${_}_future")
        for qw(nbf iat);
}
accepted('own', "$_->[0] in $_->[1] s", timed($_->[0], time + $_->[1]))
    for ['nbf', LEEWAY], ['iat', LEEWAY], ['nbf', 0], ['nbf', -600],
    ['iat', -10_000_000], ['iat', -0.5];
accepted('own', "$_->[0]: $_->[1]", timed(@$_))
    for ['nbf', 0], ['nbf', -1], ['iat', '-1e308'];

# Without a leeway.
sub no_leeway {
    my %after = @_;
    return sub {
        my ($now) = @_;
        return token('ES256', payload => claims(iss => undef, aud => 'x',
                map { $_ => $now + $after{$_} } keys %after));
    };
}
refused('list', 'leeway 0: exp now', no_leeway(exp => 0), 'token_expired',
    'token_expired');
refused('list', 'leeway 0: nbf in a moment', no_leeway(nbf => SLACK),
    'nbf_future');
accepted('list', 'leeway 0: exp in a moment',
    no_leeway(exp => SLACK, nbf => 0));

# To the second, where the clock is ours.
for my $case (
    ['exp', MOMENT - LEEWAY,       'token_expired'],
    ['exp', MOMENT - LEEWAY - 1,   'token_expired'],
    ['exp', MOMENT - LEEWAY + 0.5, 'ok'],
    ['exp', MOMENT - LEEWAY + 1,   'ok'],
    ['exp', MOMENT,                'ok'],
    ['nbf', MOMENT + LEEWAY,       'ok'],
    ['nbf', MOMENT + LEEWAY + 0.5, 'nbf_future'],
    ['nbf', MOMENT + LEEWAY + 1,   'nbf_future'],
    ['iat', MOMENT + LEEWAY,       'ok'],
    ['iat', MOMENT + LEEWAY + 0.5, 'iat_future'],
    ['iat', MOMENT + LEEWAY + 1,   'iat_future'],
    ['exp', 99999999999,           'ok'],
    ['exp', 99999999999.5,         'ok'],
    ['exp', 100000000000,          'time_milliseconds?'],
) {
    my ($claim, $value, $reason) = @$case;
    my $payload = text(claims(exp => MOMENT + 600, $claim => undef));
    $payload =~ s/\A\{/{"$claim":$value,/;
    refused('own', "$claim $value at " . MOMENT,
        token('HS256', payload => $payload), $reason,
        $reason eq 'token_expired' ? $reason : undef, now => MOMENT);
}

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


# ---- Every algorithm ------------------------------------------------------

my %KID_OF = (
    (map { $_ => 'rsa' } grep {/\A[RP]S/} @ALL),
    (map { $_ => $_ } qw(ES256 ES384 ES512 ES256K)),
    (map { $_ => 'ed' } qw(EdDSA Ed25519)),
    (map { $_ => 'long' } grep {/\AHS/} @ALL),
);

sub every {
    my ($alg, %part) = @_;
    my $header = {kid => $KID_OF{$alg}, %{$part{header} // {}}};
    return token($alg, payload => claims(iss => undef, aud => undef), %part,
        key => $part{key}
            // ($alg =~ /\AHS/ ? $LONG_SECRET : $DEFAULT_KEY{$alg}),
        header => $header);
}

# Another key of the same kind and size.
sub other_key {
    my ($alg) = @_;
    return $alg =~ /\A[RP]S/ ? $STRANGER
        : $alg =~ /\AHS/     ? random_bytes(64)
        : $alg =~ /\AEd/     ? $OTHER_ED
        : new_ec({ES256 => 'secp256r1', ES384 => 'secp384r1',
            ES512 => 'secp521r1', ES256K => 'secp256k1'}->{$alg});
}

for my $alg (@ALL) {
    my $good      = every($alg);
    my $signature = signature($good);
    my $length    = length $signature;

    accepted('every', "$alg, of them all", $good);
    refused('every', "$alg, of them all: $_->[0]", $_->[1], 'signature')
        for [
        'a bit of the signature',
        resigned($good,
            $signature ^ ("\x01" . "\0" x ($length - 1)))
        ],
        ['a byte less', resigned($good, substr $signature, 0, -1)],
        ['a byte more', resigned($good, "$signature\0")],
        ['half',        resigned($good, substr $signature, 0, $length / 2)],
        ['zeros',       resigned($good, "\0" x $length)],
        ['ones',        resigned($good, "\xff" x $length)],
        ['claims changed',   tamper($good, sub => 'u-2')],
        ['of another key',   every($alg, key => other_key($alg))],
        ['of another token',
        resigned(every($alg, payload => claims(iss => undef, jti => rand)),
            $signature)];

    # The same signature under each other name.
    for my $name (grep { $_ ne $alg } @ALL) {
        my $is_same = $name =~ /\AEd/ && $alg =~ /\AEd/;
        next if $is_same;
        my $fits = $KID_OF{$name} eq $KID_OF{$alg};
        refused('every', "$alg, called $name",
            sign_any($alg, $alg =~ /\AHS/ ? $LONG_SECRET : $DEFAULT_KEY{$alg},
                text({alg => $name, kid => $KID_OF{$alg}}),
                text(claims(iss => undef, aud => undef))),
            $fits ? 'signature' : 'jws_alg_not_allowed');
    }

    refused('own', "$alg, which is known and not allowed",
        sign_any($alg, $alg =~ /\AHS/ ? $LONG_SECRET : $DEFAULT_KEY{$alg},
            text({alg => $alg}), text(claims())), 'jws_alg_not_allowed')
        if !$DEFAULT_KID{$alg};
}

# PSS: RFC 7518 3.5 has one length of the salt, and one hash for both uses.
for my $alg (qw(PS256 PS384 PS512)) {
    my ($bits) = $alg =~ /(\d+)/;
    my $good  = every($alg);
    my $said  = $good =~ s/\.[^.]*\z//r;
    my $sign  = sub { resigned($good, $RSA->sign_message($said, @_)) };
    my $right = $bits / 8;

    refused('every', "$alg: a salt of $_",
        $sign->("SHA$bits", 'pss', $_), 'signature')
        for grep { $_ != $right } 0, 20, $right - 1, $right + 1,
        RSA_SIZE - $right - 2;
    refused('every', "$alg: SHA-1", $sign->('SHA1', 'pss', $right),
        'signature');
    refused('every', "$alg: PKCS 1", $sign->("SHA$bits", 'v1.5'), 'signature');
}

# What a key's alg says binds, also against the algorithms of the issuer.
accepted('every', 'alg of the key and of the token',
    every('PS256', header => {kid => 'ps256'}));
refused('every', 'alg of the key is another',
    every('RS256', header => {kid => 'ps256'}), 'jws_alg_not_allowed');
accepted('every', 'Ed25519 of RFC 9864, as the key says',
    every('Ed25519', header => {kid => 'ed-new'}));
refused('every', 'EdDSA, where the key says Ed25519',
    every('EdDSA', header => {kid => 'ed-new'}), 'jws_alg_not_allowed');
accepted('narrow', 'PS256, which is on the list',
    every('PS256', header => {kid => 'rsa'}));
refused('narrow', 'RS256, which is usual and not on the list',
    every('RS256', header => {kid => 'rsa'}), 'jws_alg_not_allowed');
accepted('narrow', 'EdDSA, which is on the list', every('EdDSA'));
refused('narrow', 'Ed25519, which is not', every('Ed25519'),
    'jws_alg_not_allowed');

# What one issuer allows, the other does not by that.
for my $case (['PS256', $RSA, 'a'], ['RS256', $STRANGER, 'b'],
    ['RS256', $RSA, 'a'], ['PS256', $STRANGER, 'b'])
{
    my ($alg, $key, $kid) = @$case;
    my $is_good = $alg eq ($kid eq 'a' ? 'PS256' : 'RS256');
    my $token = every($alg, key => $key, header => {kid => $kid});

    if ($is_good) {
        accepted('apart', "$alg by $kid", $token);
    } else {
        refused('apart', "$alg by $kid", $token, 'jws_alg_not_allowed');
    }
}

refused('every', "$_ with a secret of 32 bytes",
    every($_, key => $SECRET, header => {kid => 'short'}),
    'jws_alg_not_allowed')
    for qw(HS384 HS512);
accepted('every', 'HS256 with a secret of 32 bytes',
    every('HS256', key => $SECRET, header => {kid => 'short'}));

# Ed25519: S + L is another spelling of S, RFC 8032 5.1.7.
{
    my $good = every('EdDSA');
    my ($first, $second) = unpack 'a32 a32', signature($good);
    my $sum = Math::BigInt->from_hex(unpack 'H*', reverse $second)
        ->badd(Math::BigInt->from_hex($ED25519_L));
    my $hex = substr '0' x 64 . substr($sum->as_hex, 2), -64;

    refused('every', 'EdDSA: S + L',
        resigned($good, $first . reverse pack 'H*', $hex), 'signature');
    refused('every', 'EdDSA: S = 0', resigned($good, $first . "\0" x 32),
        'signature');
    refused('every', 'EdDSA: R = 1, S = 0',
        resigned($good, "\x01" . "\0" x 63), 'signature');
    refused('every', 'EdDSA: halves swapped',
        resigned($good, $second . $first), 'signature');
}

# The public key as a secret.
for my $alg (qw(HS256 HS384 HS512)) {
    my %form = (
        'RSA PEM'      => $RSA->export_key_pem('public_x509'),
        'P-384 PEM'    => $P384->export_key_pem('public'),
        'Ed25519 PEM'  => $ED->export_key_pem('public'),
        'Ed25519 x'    => decode_base64url(public($ED)->{x}),
        'P-521 point'  => $EC{'P-521'}->export_key_raw('public'),
    );
    my %kid = (RSA => 'rsa', 'P-384' => 'ES384', Ed25519 => 'ed',
        'P-521' => 'ES512');
    for my $form (sort keys %form) {
        my ($kind) = split ' ', $form;
        refused('every', "$alg with $form",
            every($alg, key => $form{$form}, header => {kid => $kid{$kind}}),
            'jws_alg_not_allowed');
        refused('every', "$alg with $form, kid of the secret",
            every($alg, key => $form{$form}), 'signature');
    }
}

# A key of one curve under the kid of another.
for my $alg (qw(ES256 ES384 ES512 ES256K)) {
    for my $other (grep { $_ ne $alg } qw(ES256 ES384 ES512 ES256K)) {
        refused('every', "$alg by the key for $other",
            every($alg, key => $DEFAULT_KEY{$other}), 'signature');
    }
}


# ---- What becomes a header ------------------------------------------------

my %UNSAFE = (
    'CR LF'  => "a\r\nX-Para-User-Id: b",
    'CR'     => "a\rb",
    'LF'     => "a\nb",
    'TAB'    => "a\tb",
    'BEL'    => "a\x07",
    'ESC'    => "\e[2J",
    'DEL'    => "a\x7f",
    'U+0080' => "\x{80}",
    'U+0085' => "a\x{85}b",
    'U+009F' => "a\x{9f}",
    'U+2028' => "a\x{2028}b",
    'U+2029' => "a\x{2029}",
);
for my $name (sort keys %UNSAFE) {
    my $text = $UNSAFE{$name};

    refused('told', "user id: $name",
        para_jwt('alice', sub => $text, data => {userId => $text}),
        'claim_unsafe');
    refused('told', "$_: $name", para_jwt('alice', data => {$_ => $text}),
        'claim_unsafe')
        for qw(identifier authType);
    refused('told', "wallet address: $name", para_jwt('alice',
            data => {wallets => [{type => 'EVM', address => $text}]}),
        'claim_unsafe');
    refused('said', "sub: $name",
        token('ES256', header => {kid => undef},
            payload => claims(sub => $text)), 'claim_unsafe');
    refused('said', "a role: $name",
        token('ES256', header => {kid => undef},
            payload => claims(roles => ['a', $text])), 'claim_unsafe');
}

accepted('told', 'a user id of 256 bytes',
    para_jwt('alice', sub => 'u' x MAX_ID, data => {userId => 'u' x MAX_ID}));
refused('told', 'a user id of 257 bytes',
    para_jwt('alice', sub => 'u' x (MAX_ID + 1),
        data => {userId => 'u' x (MAX_ID + 1)}), 'claim_size');
for my $field (qw(identifier authType)) {
    accepted('told', "$field of 512 bytes",
        para_jwt('alice', data => {$field => 'i' x MAX_TEXT}));
    refused('told', "$field of 513 bytes",
        para_jwt('alice', data => {$field => 'i' x (MAX_TEXT + 1)}),
        'claim_size');
    refused('told', "$field: $_->[0]",
        para_jwt('alice', data => {$field => $_->[1]}), 'claim_type')
        for ['a number', 7], ['an array', ['a']], ['an object', {}],
        ['true', JSON::PP::true()];
}
refused('told', "wallets: $_->[0]",
    para_jwt('alice', data => {wallets => $_->[1]}), 'claim_type')
    for ['a string', '0xabc'], ['an object', {}], ['strings', ['0xabc']],
    ['an address without type', [{address => '0xabc'}]],
    ['an address that is a number', [{type => 'EVM', address => 1}]];
accepted('told', 'an identifier with letters of the world',
    para_jwt('alice', data => {identifier => "J\x{fc}rgen \x{20ac}"}));
accepted('said', 'an internal id of 256 bytes', token('ES256',
        header => {kid => undef}, payload => claims(sub => 'u' x MAX_ID)));
refused('said', 'an internal id of 257 bytes', token('ES256',
        header => {kid => undef}, payload => claims(sub => 'u' x (MAX_ID + 1))),
    'claim_size');
refused('said', 'roles: a number', token('ES256', header => {kid => undef},
        payload => claims(roles => 7)), 'claim_type');
accepted('said', 'data.userId of others is not Para\'s', token('ES256',
        header => {kid => undef}, payload => claims(data => {userId => 'x'})));


# ---- Token and session ----------------------------------------------------

sub said_by_para {
    my (%member) = @_;
    return $JSON->encode({map { $_ => $member{$_} }
            grep { defined $member{$_} } keys %member});
}

sub bound {
    my ($reason, $name, $answer, $data, $match) = @_;
    refused('para', "session: $name",
        para_jwt('alice', sub => undef, data => {userId => undef, %$data}),
        $reason, undef, now => time, answer => $answer,
        match => $match // 'strict');
    return;
}

my %MAIL = (identifier => 'a@example.com', authType => 'email');
my $mail = said_by_para(%MAIL);
my $evm  = '0x' . 'aB' x 20;

bound('ok', 'the same identifier and type', $mail, \%MAIL);
bound('ok', 'a mail address in another case', $mail,
    {%MAIL, identifier => 'A@Example.com'});
bound('ok', 'a type in another case', $mail, {%MAIL, authType => 'EMAIL'});
bound('identity_mismatch', 'another identifier', $mail,
    {%MAIL, identifier => 'b@example.com'});
bound('identity_mismatch', 'another type', $mail,
    {%MAIL, authType => 'phone'});
bound('identity_mismatch', 'a prefix', $mail,
    {%MAIL, identifier => 'a@example.co'});
bound('identity_mismatch', 'another identifier, present', $mail,
    {%MAIL, identifier => 'b@example.com'}, 'present');
bound('ok', 'another identifier, off', $mail,
    {%MAIL, identifier => 'b@example.com'}, 'off');
bound('identity_incomparable', 'no identifier in the token', $mail,
    {identifier => undef, authType => 'email'});
bound('identity_incomparable', 'nothing in the token', $mail,
    {identifier => undef, authType => undef});
bound('identity_incomparable', 'no type in the token', $mail,
    {identifier => 'a@example.com', authType => undef});
bound('ok', 'nothing in the token, present', $mail,
    {identifier => undef, authType => undef}, 'present');
bound('ok', 'an EVM address in another case',
    said_by_para(identifier => $evm, authType => 'externalWallet'),
    {identifier => lc $evm, authType => 'externalWallet'});
bound('identity_mismatch', 'another address in another case',
    said_by_para(identifier => 'So1anaAddr', authType => 'externalWallet'),
    {identifier => 'so1anaaddr', authType => 'externalWallet'});
bound('identity_mismatch', 'no EVM address: too long',
    said_by_para(identifier => "${evm}aB", authType => 'externalWallet'),
    {identifier => lc "${evm}aB", authType => 'externalWallet'});
bound('identity_mismatch', 'a handle in another case',
    said_by_para(identifier => 'Alice', authType => 'telegram'),
    {identifier => 'alice', authType => 'telegram'});
bound('ok', 'TWITTER is x',
    said_by_para(identifier => 'a', authType => 'x'),
    {identifier => 'a', authType => 'TWITTER'});
bound('ok', 'through whom',
    said_by_para(%MAIL, oAuthMethod => 'GOOGLE'),
    {%MAIL, authType => 'google'});
bound('identity_mismatch', 'through whom, another',
    said_by_para(%MAIL, oAuthMethod => 'GOOGLE'), {%MAIL, authType => 'apple'});
refused('para', 'session: another user id',
    para_jwt('alice', data => \%MAIL), 'identity_mismatch', undef,
    now => time, answer => said_by_para(%MAIL, userId => 'someone-else'));
accepted('para', 'session: the same user id',
    para_jwt('alice', data => {identifier => undef, authType => undef}),
    now => time, answer => said_by_para(%MAIL, userId => $alice->{userId}));

sub answered {
    my ($name, $text, $reason) = @_;
    push @answers, {name => $name, text => $text, reason => $reason};
    return;
}

answered('an answer', $mail, 'ok');
answered('members of any kind beside',
    said_by_para(%MAIL, x => [1], id => 7), 'ok');
answered('null for what may be absent',
    '{"identifier":"a","authType":"b","userId":null,"oAuthMethod":""}', 'ok');
answered("no $_", said_by_para(%MAIL, $_ => undef), 'answer_member')
    for qw(identifier authType);
for my $member (qw(identifier authType userId oAuthMethod)) {
    answered("$member: $_->[0]", said_by_para(%MAIL, $member => $_->[1]),
        'answer_member')
        for ['a number', 7], ['an array', ['a']], ['an object', {}],
        ['true', JSON::PP::true()], ['CR LF', "a\r\nb"], ['DEL', "\x7f"],
        ['U+0085', "\x{85}"], ['U+2028', "\x{2028}"],
        ['513 bytes', 'x' x (MAX_TEXT + 1)];
    answered("$member: 512 bytes",
        said_by_para(%MAIL, $member => 'x' x MAX_TEXT), 'ok');
}
answered($_->[0], $_->[1], 'answer_json')
    for ['nothing', ''], ['HTML', '<html></html>'], ['an array', "[$mail]"],
    ['cut off', substr $mail, 0, -1], ['text behind', "$mail x"],
    ['NUL behind', "$mail\0"],
    ['a member twice', $mail =~ s/\}/,"authType":"x"}/r],
    ['depth 17', '{"x":' . '[' x 16 . ']' x 16 . '}'];
answered('16 KiB', $mail . ' ' x (MAX_JWS - length $mail), 'ok');
answered('over 16 KiB', $mail . ' ' x (MAX_JWS - length($mail) + 1),
    'answer_size');

push @sessions, map { {name => $_->[0], text => $_->[1], reason => $_->[2]} }
    ['a token', 'abc.DEF-123_~', 'ok'],
    ['1 KiB', 'x' x 1024, 'ok'],
    map { [$_->[0], $_->[1], 'session_malformed'] }
    ['over 1 KiB', 'x' x 1025], ['nothing', ''], ['a quote', 'a"b'],
    ['a backslash', 'a\\b'], ['a comma', 'a,b'], ['a space', 'a b'],
    ['CR LF', "a\r\nb"], ['NUL', "a\0b"], ['DEL', "a\x7f"],
    ['a high byte', "a\xff"];


# ---- Sets of keys ---------------------------------------------------------

sub set {
    my ($name, $kind, $text, %expected) = @_;
    push @sets, {name => $name, kind => $kind, %expected,
        file => put_file('set-' . @sets . '.json',
            ref $text ? $JSON->encode($text) : $text, oct '0400')};
    return;
}

my %good = (%{public($RSA)}, kid => 'good');

# One key by itself, and beside a good one, which it must not void.
sub bad_key {
    my ($name, $jwk, $why) = @_;
    set("$name, alone", 'local', $jwk, refused => $why);
    set("$name, beside a good one", 'local', {keys => [$jwk, \%good]},
        keys => 1, left_out => $why);
    return;
}

sub with {
    my ($key, %members) = @_;
    my %jwk = (%{public($key)}, kid => 'bad', %members);
    delete @jwk{grep { !defined $jwk{$_} } keys %jwk};
    return \%jwk;
}

# A number as base64url, without the zeros before it.
sub number { return encode_base64url(pack 'H*', $_[0]) }

sub point { my ($hex) = @_; return with($ED, x => number($hex)) }

bad_key('RSA of 1024 bits', with(new_rsa(128)), qr/fewer than 2048 bits/);
bad_key('RSA of 2047 bits',
    with($RSA, n => number('7f' . 'ff' x (RSA_SIZE - 1))),
    qr/fewer than 2048 bits/);
bad_key('RSA of 4097 bits', with($RSA, n => number('01' . 'ff' x 512)),
    qr/more than 4096 bits/);
bad_key('an even modulus',
    with($RSA, n => number('ff' x (RSA_SIZE - 1) . 'fe')), qr/modulus is even/);
bad_key("e = $_->[0]", with($RSA, e => number($_->[1])), qr/1 or even/)
    for ['1', '01'], ['2', '02'], ['65536', '010000'];
bad_key('e of 65 bits', with($RSA, e => number('01' . '00' x 7 . '01')),
    qr/more than 64 bits/);

# The primes of ROCA keys are k * M + 65537^a mod M: so is 65537 by itself.
{
    my $m = Math::BigInt->bone;
    $m->bmul($_) for grep {
        my $n = $_;
        !grep { $n % $_ == 0 } 2 .. sqrt $n
    } 2 .. 167;
    my $n = Math::BigInt->new(2)->bpow(2047)->bdiv($m);
    $n = $n->badd(1)->bmul($m)->badd(65537);
    my $hex = substr $n->as_hex, 2;
    bad_key('ROCA', with($RSA, n => number($hex)), qr/ROCA/);
}

bad_key("no $_ (RSA)", with($RSA, $_ => undef), qr/missing or no string/)
    for qw(n e);
bad_key('n with padding', with($RSA, n => public($RSA)->{n} . '='),
    qr/no base64url/);
bad_key('a point off P-256',
    with($EC, y => encode_base64url("\x01" x EC_HALF)),
    qr/no point of its curve/);
bad_key('0, 0 on P-256', with($EC, map { $_ => number('00' x EC_HALF) } 'x',
        'y'), qr/no point of its curve/);
bad_key('a point of P-256 said to be secp256k1',
    with($EC, crv => 'secp256k1'), qr/no point of its curve/);
bad_key('a coordinate of 33 bytes',
    with($EC, x => number('00' . unpack 'H*',
            decode_base64url(public($EC)->{x}))), qr/not the size/);
bad_key('an unknown curve', with($EC, crv => 'P-192'),
    qr/curve is not supported/);
bad_key('an unknown kty', {kty => 'XYZ', kid => 'bad'},
    qr/kty is not supported/);
bad_key('X25519', with($ED, crv => 'X25519'), qr/curve is not supported/);

my $ED_P = '7f' . 'ff' x 30 . 'ed';
sub little { return unpack 'H*', reverse pack 'H*', $_[0] }
bad_key("Ed25519: $_->[0]", point($_->[1]), qr/small order/)
    for ['y = 1', '01' . '00' x 31], ['y = 0', '00' x 32],
    ['y = 0, x negative', '00' x 31 . '80'],
    ['y = -1', little('7f' . 'ff' x 30 . 'ec')],
    ['order 8',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8, the other',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'];
bad_key("Ed25519: $_->[0]", point($_->[1]), qr/canonical/)
    for ['y = p', little($ED_P)],
    ['y = p + 1', little('7f' . 'ff' x 30 . 'ee')],
    ['y = 2^255 - 1', 'ff' x 32];
bad_key('Ed25519: no point', point('02' . '00' x 31), qr/no point/);
bad_key('Ed25519: 31 bytes', point('11' x 31), qr/./);

bad_key("a secret of $_->[0] bytes",
    oct_jwk('x' x $_->[0], kid => 'bad'), qr/shorter than 32/)
    for [1], [16], [31];
set('a secret of 32 bytes', 'local', oct_jwk('x' x 32), keys => 1);
set('an empty secret', 'local', oct_jwk(''), refused => qr/missing/);

bad_key("use: $_", with($STRANGER, use => $_), qr/use is not/)
    for 'enc', 'SIG', '';
bad_key('key_ops without verify', with($STRANGER, key_ops => ['sign']),
    qr/key_ops/);
bad_key('key_ops of none', with($STRANGER, key_ops => []), qr/key_ops/);
bad_key('key_ops that is a string', with($STRANGER, key_ops => 'verify'),
    qr/key_ops/);
bad_key("alg: $_", with($STRANGER, alg => $_), qr/alg is not supported/)
    for 'none', 'RSA-OAEP', 'rs256';
bad_key("alg: $_", with($STRANGER, alg => $_), qr/does not fit/)
    for qw(ES256 HS256 EdDSA);
bad_key('ES256 for P-384', with($P384, alg => 'ES256'), qr/does not fit/);
bad_key("kid: $_->[0]", with($STRANGER, kid => $_->[1]), qr/kid/)
    for ['a number', 7], ['empty', ''], ['an array', ['a']],
    ['257 bytes', 'k' x (MAX_KID + 1)];
set('kid of 256 bytes', 'local', with($STRANGER, kid => 'k' x MAX_KID),
    keys => 1);

my $private = {%{$RSA->export_key_jwk('private', 1)}, kid => 'bad'};
bad_key('a private RSA key',     $private, qr/private key/);
bad_key('a private EC key',
    {%{$EC->export_key_jwk('private', 1)}, kid => 'bad'}, qr/private key/);
bad_key('a private Ed25519 key',
    {%{$ED->export_key_jwk('private', 1)}, kid => 'bad'}, qr/private key/);
bad_key("a public key with $_", with($STRANGER, $_ => 'AQAB'),
    qr/private key/)
    for qw(d p q dp dq qi oth);

# Of a set that anybody can read, nothing is taken.
set("in public: $_->[0]", 'public', {keys => [\%good, $_->[1]]},
    refused => qr/private or secret/)
    for ['a private RSA key', $private], ['a secret', oct_jwk('x' x 32)],
    ['a secret that is too short', oct_jwk('x')],
    ['a private EC key', $EC->export_key_jwk('private', 1)],
    ['a private Ed25519 key', $ED->export_key_jwk('private', 1)],
    ['a private key for encryption', {%$private, use => 'enc'}];
set('in public: public keys', 'public', {keys => [\%good, public($EC)]},
    keys => 2);

set("PEM: $_->[0]", 'local', $_->[1], refused => $_->[2])
    for ['a private RSA key', $RSA->export_key_pem('private'),
    qr/private key/],
    ['a private EC key', $EC->export_key_pem('private'), qr/private key/],
    ['a private key behind a public one',
    $RSA->export_key_pem('public_x509') . $RSA->export_key_pem('private'),
    qr/private key/],
    ['PKCS 1', $RSA->export_key_pem('public'), qr/neither/],
    ['1024 bits', new_rsa(128)->export_key_pem('public_x509'), qr/fewer/],
    ['an explicit curve', $EC->export_key_pem('public'), qr/./],
    ['cut off', substr($RSA->export_key_pem('public_x509'), 0, 200), qr/./],
    ['text', 'hello', qr/neither JSON nor PEM/], ['nothing', '', qr/empty/];
# CryptX spells a curve out in "public" and names it in "public_short".
set('PEM: a named curve', 'local', $EC->export_key_pem('public_short'),
    keys => 1);

set('one kid for two keys', 'local',
    {keys => [\%good, {%{public($STRANGER)}, kid => 'good'}]},
    refused => qr/same kid/);
set('one kid for two keys of different alg', 'local',
    {keys => [{%good, alg => 'RS256'},
            {%{public($STRANGER)}, kid => 'good', alg => 'PS256'}]},
    refused => qr/same kid/);
set('one kid for a good key and a weak one', 'local',
    {keys => [\%good, {%{public(new_rsa(128))}, kid => 'good'}]},
    refused => qr/same kid/);
set('one kid for keys of two kinds', 'local',
    {keys => [\%good, {%{public($EC)}, kid => 'good'}]}, keys => 2);
set('one kid, one of the keys for encryption', 'local',
    {keys => [\%good, {%{public($STRANGER)}, kid => 'good', use => 'enc'}]},
    keys => 1, left_out => qr/use is not/);
set('secrets beside public keys', 'local',
    {keys => [\%good, oct_jwk('x' x 32)]}, refused => qr/secret keys beside/);

# Few distinct keys, many kids: it is the counting that is looked at.
sub many { return {keys => [map { {%good, kid => "k$_"} } 1 .. $_[0]]} }
set('32 keys', 'local', many(MAX_KEYS), keys => MAX_KEYS);
set('33 keys', 'local', many(MAX_KEYS + 1), refused => qr/more than 32/);
set('33 keys, most of them bad', 'local',
    {keys => [\%good, map { {kty => 'x', kid => "$_"} } 1 .. MAX_KEYS]},
    refused => qr/more than 32/);

my $set = $JSON->encode({keys => [\%good]});
set('64 KiB', 'local', $set . ' ' x (MAX_SET - length $set), keys => 1);
set('over 64 KiB', 'local', $set . ' ' x (MAX_SET - length($set) + 1),
    refused => qr/./);
set("JSON: $_->[0]", 'local', $_->[1], refused => qr/./)
    for ['keys twice', $set =~ s/\}\z/,"keys":[]}/r],
    ['a member of a key twice', $set =~ s/"kty"/"n":"AQAB","kty"/r],
    ['keys is no array', '{"keys":{}}'], ['no keys', '{"keys":[]}'],
    ['an array', "[$set]"], ['text behind', "$set x"], ['NUL', "$set\0"],
    ['cut off', substr $set, 0, -1], ['BOM', "\xef\xbb\xbf$set"],
    ['keys of numbers', '{"keys":[1,2]}'], ['an empty object', '{}'];
set('members that nobody knows', 'local',
    {keys => [{%good, x5t => 'abc', foo => {bar => [1]}}], more => 1},
    keys => 1);


# ---- For the suites -------------------------------------------------------

sub corpus_providers { return %PROVIDER }
sub corpus_cases     { return @cases }
sub corpus_sets      { return @sets }
sub corpus_answers   { return @answers }
sub corpus_sessions  { return @sessions }

1;
