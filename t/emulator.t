#!/usr/bin/perl

# The emulator is what every other suite believes of Para: so that it speaks
# as Para does, and that its faults are the faults they claim to be, is tested
# without a gateway in between.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaTls;
use Test::More;

use Crypt::JWT       qw(decode_jwt);
use Digest::SHA      qw(sha256_hex);
use Errno            qw(ECONNRESET);
use HTTP::Tiny       ();
use IO::Select       ();
use IO::Socket::INET ();
use IO::Socket::SSL  ();
use JSON::PP         qw(decode_json encode_json);
use MIME::Base64     qw(decode_base64);
use POSIX            ();
use Time::HiRes      qw(sleep time);

use constant CONNECTIONS => 300;

my $EMULATOR = "$FindBin::Bin/../demo/para-emulator";

my $SECRET = do {
    open my $in, '<', "$PARA_DIR/secret.key" or die "secret.key: $!";
    my $line = <$in>;
    chomp $line;
    $line;
};

my $http = HTTP::Tiny->new(
    timeout      => 10,
    max_redirect => 0,
    keep_alive   => 0
);

# ($status, decoded JSON or undef, HTTP::Tiny's response)
sub request {
    my ($method, $path, %options) = @_;

    my %headers = %{$options{headers} // {}};
    my $content = $options{content};

    if ($options{json}) {
        $headers{'Content-Type'} = 'application/json';
        $content = encode_json($options{json});
    }

    my $response = $http->request(
        $method,
        "$PARA_URL$path",
        {   headers => \%headers,
            (defined $content ? (content => $content) : ()),
        }
    );

    my $json = eval { decode_json($response->{content}) };
    return ($response->{status}, $json, $response);
}

sub verify {
    my ($token, %headers) = @_;
    return request(
        POST    => '/sessions/verify',
        headers => {'X-External-API-Key' => $SECRET, %headers},
        json    => {verificationToken => $token}
    );
}

sub with_cookie {
    my ($path, $cookie, %options) = @_;
    return request(
        POST    => $path,
        headers => {
            'X-External-API-Key' => $PARA_PUBLIC_KEY,
            (defined $cookie ? ('x-capsule-sid' => $cookie) : ()),
        },
        %options
    );
}

sub raw_verify {
    my ($token) = @_;
    my $body = encode_json({verificationToken => $token});
    return join "\r\n", 'POST /sessions/verify HTTP/1.1', 'Host: para',
        "x-external-api-key: $SECRET", 'content-type: application/json',
        'content-length: ' . length $body, '', $body;
}

sub exchange {
    my ($token, $timeout) = @_;
    return http_raw(
        raw_verify($token),
        port    => $PARA_PORT,
        timeout => $timeout // 2
    );
}


subtest 'command line' => sub {
    my $usage = `$^X $EMULATOR --help`;
    is $?, 0, '--help succeeds';
    like $usage, qr{^usage: para-emulator --listen}, '... and tells the usage';
    like $usage, qr{POST /_emulator/fault},          '... and the controls';

    my @bad = (
        [''                            => qr/--listen is needed/],
        ['--listen 192.0.2.1:8080'     => qr/a loopback address/],
        ['--listen 127.0.0.1'          => qr/a loopback address/],
        ['--listen 127.0.0.1:99999'    => qr/port 99999 is out of range/],
        ['--listen 127.0.0.1:0 x'      => qr/unexpected argument "x"/],
        ['--listen 127.0.0.1:0 --keys 9' => qr/from 1 to 8/],
        ['--listen 127.0.0.1:0 --tls-cert /x' => qr/go together/],
        ["--listen 127.0.0.1:0 --secret-key 'a b'" => qr/printable/],
    );
    for my $case (@bad) {
        my ($options, $message) = @$case;
        my $output = `$^X $EMULATOR $options 2>&1`;
        is $? >> 8, 2, "refused: \"$options\"";
        like $output, $message, '... with the reason';
    }

    my $output = `$^X $EMULATOR --listen 127.0.0.1:$PARA_PORT 2>&1`;
    is $? >> 8, 1, 'a port that is taken';
    like $output, qr/^para-emulator: .*in use/i, '... is an error that says so';
};

subtest 'state directory' => sub {
    is((stat "$PARA_DIR/secret.key")[2] & oct('777'),
        oct('400'), 'secret.key is its owner\'s');
    is((stat "$PARA_DIR/para.json")[2] & oct('777'),
        oct('600'), 'para.json is its owner\'s');
    ok kill(0, do { open my $in, '<', "$PARA_DIR/pid"; <$in> + 0 }),
        'pid is that of a process';
};

subtest 'GET /.well-known/jwks.json' => sub {
    my ($status, $set) = request(GET => '/.well-known/jwks.json');

    is $status, 200, 'status';
    is scalar @{$set->{keys}}, 2, 'two keys';

    my %seen;
    for my $key (@{$set->{keys}}) {
        is_deeply [sort keys %$key], [qw(alg e kid kty n use)],
            'the members of a public key, and no others';
        is_deeply [@$key{qw(alg kty use)}], [qw(RS256 RSA sig)], 'their kind';
        $seen{$key->{kid}}++;
    }
    is scalar keys %seen, 2, 'each has its own kid';

    open my $in, '<', "$PARA_DIR/jwks.json" or die $!;
    is_deeply decode_json(join '', <$in>), $set, 'jwks.json has the same';
};

sub jwks {
    my (%headers) = @_;
    return request(GET => '/.well-known/jwks.json', headers => \%headers);
}

sub kids { return [map { $_->{kid} } @{(jwks())[1]{keys}}] }

subtest 'a key set that has not changed' => sub {
    reset_para();

    my ($status, $set, $response) = jwks();
    my $etag = $response->{headers}{etag};
    like $etag, qr/\A"[0-9a-f]{32}"\z/, 'a strong entity tag';
    ok !exists $response->{headers}{'cache-control'}, 'no Cache-Control';

    for my $header ($etag, "W/$etag", qq("x", $etag), '*') {
        ($status, undef, $response) = jwks('If-None-Match' => $header);
        is $status, 304, "If-None-Match: $header";
        is $response->{content} // '', '', '... has no body';
        is $response->{headers}{etag}, $etag, '... but the tag';
    }
    for my $header ('"x"', substr($etag, 1, -1), '') {
        is((jwks('If-None-Match' => $header))[0], 200,
            "If-None-Match: $header");
    }

    my @calls = para_requests('/.well-known/jwks.json');
    is scalar @calls, 8, 'all are counted';
    is_deeply [map { $_->{status} } @calls], [200, (304) x 4, (200) x 3],
        '... by how they were answered';
    is $calls[1]{header}{'if-none-match'}, $etag, '... and asked';
    is $calls[1]{http_version}, '1.1', '... in which version';
    like $calls[1]{header}{'user-agent'}, qr/HTTP-Tiny/, '... by whom';
    is para_calls('/.well-known/jwks.json'), 8, '... by path';

    is para_keys(cache_control => 'max-age=7')->{cache_control}, 'max-age=7',
        'Cache-Control when told';
    for my $headers ([], ['If-None-Match' => $etag]) {
        (undef, undef, $response) = jwks(@$headers);
        is $response->{headers}{'cache-control'}, 'max-age=7',
            "... with a $response->{status}";
    }
    para_keys(cache_control => undef);
    ok !exists +(jwks())[2]{headers}{'cache-control'}, '... until told';

    para_keys(cache_control => 'no-store');
    reset_para();
    ok !exists +(jwks())[2]{headers}{'cache-control'}, '... or reset';

    fault('/.well-known/jwks.json', '500', times => 1);
    is((jwks('If-None-Match' => $etag))[0], 500, 'a fault comes before');
    fault('/.well-known/jwks.json', 'oversized', times => 1);
    is((jwks('If-None-Match' => $etag))[0], 200, '... of either kind');
};

# Whether a token is verified by the published set.
sub is_published {
    my ($jwt) = @_;
    my $set = (jwks())[1];
    return !!eval { decode_jwt(token => $jwt, kid_keys => $set) };
}

subtest 'keys rotate' => sub {
    my $first = kids();
    my $old   = login('alice');
    my $etag  = (jwks())[2]{headers}{etag};

    my $keys = para_keys(rotate => 1);
    my $kid  = $keys->{kid};
    is_deeply $keys->{published}, [$kid, @$first], 'a new key is the first';
    is_deeply kids(), $keys->{published}, '... and published with the others';
    is_deeply $keys->{hidden}, [], '... of which none is hidden';
    isnt $keys->{etag}, $etag, 'the tag is another';
    is +(jwks())[2]{headers}{etag}, $keys->{etag}, '... as was told';

    my $new = login('alice');
    is jwt_header($new->{jwt})->{kid}, $kid, 'it signs';
    ok is_published($_->{jwt}), 'a good token' for $old, $new;

    is para_key(0)->{kid}, $kid, 'para_key() knows it';
    ok is_published(para_jwt('bob')), '... and para_jwt()';
    is jwt_header(para_jwt('bob', key_index => 1))->{kid}, $first->[0],
        '... with the others behind it';

    open my $in, '<', "$PARA_DIR/jwks.json" or die $!;
    is_deeply decode_json(join '', <$in>), (jwks())[1], '... and jwks.json';

    $keys = para_keys(withdraw => $first->[0]);
    is_deeply $keys->{hidden}, [$first->[0]], 'a key is withdrawn';
    is_deeply kids(), [$kid, $first->[1]], '... from the set';
    ok !is_published($old->{jwt}), '... so a token is not good';
    ok is_published($new->{jwt}), '... but others are';

    for my $which ([keyKid => $first->[0]], [keyIndex => 1]) {
        my $jwt = login('alice', @$which)->{jwt};
        is jwt_header($jwt)->{kid}, $first->[0], "it signs by $which->[0]";
        ok !is_published($jwt), '... tokens that are not good';
    }

    para_keys(publish => 1);
    is_deeply kids(), [$kid, @$first], 'published again, by index';

    $keys = para_keys(hidden => 1);
    is_deeply $keys->{hidden}, [$keys->{kid}], 'a key not yet published';
    is_deeply kids(), [$kid, @$first], '... is not in the set';
    my $jwt = login('alice')->{jwt};
    is jwt_header($jwt)->{kid}, $keys->{kid}, '... but signs';
    ok !is_published($jwt), '... to be good later';
    para_keys(publish => $keys->{kid});
    ok is_published($jwt), '... when published';

    $keys = para_keys(rotate => 1, withdraw => 0);
    isnt $keys->{kid}, $keys->{hidden}[0], 'both at once: the old key goes';

    reset_para();
    is scalar @{kids()}, 4, 'a reset leaves the keys';
    reset_para(keys => JSON::PP::true());
    is_deeply kids(), $first, '... unless told otherwise';
    is para_key(0)->{kid}, $first->[0], '... and the tests know';

    for my $bad ([rotation => 1], [withdraw => 'x'], [publish => 9],
        [withdraw => undef], [set => {}], [set => "\x{263a}"],
        [cache_control => []])
    {
        ok !eval { para_keys(@$bad); 1 }, "refused: $bad->[0]";
        like $@, qr/ 400 /, '... with a reason';
    }
    is_deeply kids(), $first, '... and nothing done';
    ok !eval { login('alice', keyKid => 'x'); 1 }, 'no login by another key';
};

subtest 'something else in place of the key set' => sub {
    my ($one) = @{(jwks())[1]{keys}};
    my %text = (
        'nothing'         => '',
        'no JSON'         => 'keys',
        'bytes of no kind' => "\x00\xff\xfe",
        'no keys'         => '{"keys":[]}',
        'a kid twice'     => encode_json({keys => [$one, $one]}),
        'private keys'    => encode_json({keys => [para_key(0)]}),
    );

    my %etag;
    for my $name (sort keys %text) {
        my $etag = para_keys(set => $text{$name})->{etag};
        $etag{$etag}++;

        my ($status, undef, $response) = jwks();
        is $response->{content}, $text{$name}, $name;
        is $status, 200, '... as if it were right';
        is $response->{headers}{etag}, $etag, '... with a tag';
        is((jwks('If-None-Match' => $etag))[0], 304, '... that it has');
    }
    is scalar keys %etag, scalar keys %text, 'a tag for each';

    para_keys(set => undef);
    is scalar @{kids()}, 2, 'the set is back';
    para_keys(set => 'x');
    reset_para();
    is scalar @{kids()}, 2, '... or by a reset';
};

subtest 'POST /sessions/verify' => sub {
    my $alice = login('alice');
    my ($status, $answer) = verify($alice->{verificationToken});

    is $status, 200, 'an active session';
    is_deeply $answer,
        {authType => 'email', identifier => 'alice@example.com'},
        '... is answered with who it is, and nothing else';
    is((verify($alice->{verificationToken}))[0], 200, 'as often as asked');

    my %others = (
        bob => {authType => 'email', identifier => 'bob@example.com',
            oAuthMethod => 'google'},
        carol => {authType => 'phone', identifier => '+13105551234'},
        dave  => {authType => 'externalWallet',
            identifier => '0x52908400098527886E0F7030069857D2E4169EE7'},
        erin  => {authType => 'farcaster', identifier => 'erin.eth'},
        frank => {authType => 'telegram',  identifier => '728391054'},
    );
    for my $name (sort keys %others) {
        is_deeply((verify(login($name)->{verificationToken}))[1],
            $others{$name}, $name);
    }

    is((verify('unknown'))[0], 403, 'an unknown token');

    my $short = login('alice', ttl => 2);
    is((verify($short->{verificationToken}))[0], 200, 'a short session');
    ok wait_until(10,
        sub { (verify($short->{verificationToken}))[0] == 403 }),
        '... and its end';

    end_session($alice);
    is((verify($alice->{verificationToken}))[0], 403, 'a session ended');

    my $token = login('alice')->{verificationToken};
    is((verify($token, 'X-External-API-Key' => 'wrong'))[0], 401,
        'a wrong key');
    is((verify($token, 'X-External-API-Key' => $PARA_PUBLIC_KEY))[0], 401,
        'the public key');
    is(
        (   request(
                POST => '/sessions/verify',
                json => {verificationToken => $token}
            )
        )[0],
        401, 'no key'
    );

    my %bad = (
        'not JSON'        => '{',
        'no object'       => '[]',
        'no token'        => '{}',
        'an empty token'  => '{"verificationToken":""}',
        'a token of another type' => '{"verificationToken":{"a":1}}',
    );
    for my $name (sort keys %bad) {
        my ($status) = request(
            POST    => '/sessions/verify',
            headers => {
                'X-External-API-Key' => $SECRET,
                'Content-Type'       => 'application/json'
            },
            content => $bad{$name}
        );
        is $status, 400, $name;
    }

    is(
        (   request(
                POST    => '/sessions/verify',
                headers => {
                    'X-External-API-Key' => $SECRET,
                    'Content-Type'       => 'text/plain'
                },
                content => encode_json({verificationToken => $token})
            )
        )[0],
        400,
        'another content type'
    );
    is((request(GET => '/sessions/verify'))[0], 404, 'another method');
};

subtest 'error bodies are text and JSON by turns' => sub {
    my @types = map {
        my (undef, undef, $response) = verify('unknown');
        $response->{headers}{'content-type'} =~ s/;.*//r;
    } 1 .. 2;
    is_deeply [sort @types], ['application/json', 'text/plain'], 'types';
};

subtest 'POST /touch' => sub {
    my $alice  = login('alice');
    my $cookie = $alice->{sessionCookie};
    like $cookie, qr/\Acapsule\.sid=s%3A[\w-]+\.[\w-]+; Path=.*; SameSite=None\z/,
        'the cookie is as exported';

    for my $spelling ($cookie, $cookie =~ s/;.*//r) {
        my ($status, $answer) =
            with_cookie('/touch?regenerate=false', $spelling);
        is $status, 200, 'an active session';
        ok $answer->{isAuthenticated}, '... is authenticated';
        is $answer->{userId}, $alice->{userId}, '... as its user';
        is $answer->{email}, 'alice@example.com', '... with the email';
        is $answer->{sessionLookupId}, $alice->{verificationToken},
            '... and the verification token';
        is scalar @{$answer->{currentWalletIds}{SOLANA}}, 1, '... wallets';
    }

    my ($status, $answer) = with_cookie('/touch', login('dave')->{sessionCookie});
    is_deeply $answer->{verifiedExternalWalletAddresses},
        ['0x52908400098527886E0F7030069857D2E4169EE7'],
        'an external wallet is in the answer';

    end_session($alice);
    ($status, $answer) = with_cookie('/touch', $cookie);
    is $status, 200, 'an ended session is no error';
    ok exists $answer->{isAuthenticated} && !$answer->{isAuthenticated},
        '... but is not authenticated';
    ok !exists $answer->{userId}, '... and nobody\'s';

    ($status, $answer) = with_cookie('/touch');
    is $status, 200, 'no cookie at all';
    ok !exists $answer->{isAuthenticated}, '... has no answer to that';

    is(
        (   request(
                POST    => '/touch',
                headers => {'X-External-API-Key' => 'wrong'}
            )
        )[0],
        403, 'a wrong key'
    );
};

subtest 'exported session' => sub {
    my $alice = login('alice');
    my $blob  = decode_json(decode_base64($alice->{exportedSession}));

    is $blob->{userId}, $alice->{userId}, 'user';
    is $blob->{sessionCookie}, $alice->{sessionCookie}, 'cookie';
    is $blob->{authInfo}{identifier}, 'alice@example.com', 'identifier';
    ok !grep({ exists $_->{signer} } values %{$blob->{wallets}}),
        'no key shares';

    $blob = decode_json(decode_base64($alice->{exportedSessionWithSigner}));
    is scalar(grep { length $_->{signer} } values %{$blob->{wallets}}), 2,
        'with key shares where asked for';
};

subtest 'POST /wallets/verify' => sub {
    my $ask = sub {
        my ($address, $key) = @_;
        return request(
            POST    => '/wallets/verify',
            headers => {'X-External-API-Key' => $key // $SECRET},
            json    => {address => $address}
        );
    };
    my $evm    = '0x9dd3824f045c77bc369485e8f1dd6b452b6be617';
    my $solana = 'EEp7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a3W';

    is_deeply [($ask->($evm))[0, 1]],
        [200, {walletId => 'de4034f1-6b0f-4a98-87a5-e459db4d3a03'}],
        'somebody\'s wallet';
    is(($ask->('0x' . uc substr $evm, 2))[0], 200, 'EVM without regard to case');
    is(($ask->($solana))[0],    200, 'Solana');
    is(($ask->(lc $solana))[0], 404, '... with regard to case');
    is(($ask->('0xdead'))[0],   404, 'nobody\'s wallet');
    is(($ask->($evm, 'wrong'))[0], 401, 'a wrong key');
};

subtest 'POST /auth/jwt' => sub {
    my $bob = login('bob');
    my ($status, $answer) =
        with_cookie('/auth/jwt', $bob->{sessionCookie});
    is $status, 200, 'status';

    my ($set) = (request(GET => '/.well-known/jwks.json'))[1];
    for my $jwt ($answer->{token}, $bob->{jwt}) {
        my ($header, $claims) = decode_jwt(
            token         => $jwt,
            kid_keys      => $set,
            accepted_alg  => 'RS256',
            verify_exp    => 1,
            verify_iat    => 1,
            verify_aud    => $PARA_AUDIENCE,
            decode_header => 1,
        );
        is $header->{kid}, $set->{keys}[0]{kid}, 'signed with the first key';
        is_deeply [sort keys %$claims], [qw(aud data exp iat sub)], 'claims';
        is $claims->{sub},                $bob->{userId},    'sub';
        is $claims->{data}{userId},       $bob->{userId},    'data.userId';
        is $claims->{data}{email},        'bob@example.com', 'data.email';
        is $claims->{data}{oAuthMethod},  'google', 'data.oAuthMethod';
        is $claims->{data}{wallets}[0]{type}, 'EVM', 'data.wallets';
        ok $claims->{exp} <= $bob->{expiresAt}, 'ends with the session';
    }

    ($status, $answer) = with_cookie('/auth/jwt', $bob->{sessionCookie},
        json => {keyIndex => 1});
    is $answer->{keyId}, $set->{keys}[1]{kid}, 'another key by its index';
    is((with_cookie('/auth/jwt', $bob->{sessionCookie},
        json => {keyIndex => 2}))[0], 400, 'an index too high');

    end_session($bob);
    is((with_cookie('/auth/jwt', $bob->{sessionCookie}))[0], 401,
        'a session ended');
};

subtest 'POST /users/ID/session/keep-alive' => sub {
    my $alice = login('alice', ttl => 3);
    my $path  = "/users/$alice->{userId}/session/keep-alive";

    sleep 1.6;
    is((with_cookie($path, $alice->{sessionCookie}))[0], 200, 'in time');
    sleep 1.6;
    is((verify($alice->{verificationToken}))[0], 200, '... makes it longer');
    is((with_cookie($path, login('bob')->{sessionCookie}))[0], 401,
        'not for someone else');
    wait_until(10,
        sub { (verify($alice->{verificationToken}))[0] != 200 });
    is((with_cookie($path, $alice->{sessionCookie}))[0], 401, 'too late');
};

subtest 'calls' => sub {
    reset_para();
    my $token = login('alice')->{verificationToken};
    my $raw   = raw_verify($token)
        =~ s/x-external-api-key/X_Odd_name: 1\r\nx-External-api-KEY/r;

    # Two requests, one connection.
    http_raw($raw . $raw, port => $PARA_PORT, timeout => 2);
    http_raw($raw, port => $PARA_PORT, timeout => 2);

    my $calls = calls();
    is $calls->{total}, 3, 'total';
    is_deeply $calls->{paths}, {'/sessions/verify' => 3}, 'by path';
    is $calls->{connections}, 2, 'connections';
    is $calls->{in_flight}, 0, 'none in flight';

    my $request = $calls->{requests}[0];
    is "$request->{method} $request->{path}", 'POST /sessions/verify',
        'method and path';
    is_deeply [map { $_->[0] } @{$request->{headers}}],
        [qw(Host X_Odd_name x-External-api-KEY content-type content-length)],
        'headers as received';
    is $request->{body}, encode_json({verificationToken => $token}), 'body';

    reset_para();
    is calls()->{total}, 0, 'reset';
    is((verify($token))[0], 200, '... leaves the sessions');
    reset_para(sessions => JSON::PP::true());
    is((verify($token))[0], 403, '... unless told otherwise');
};

subtest 'faults that replace the answer' => sub {
    reset_para();
    my $token = login('alice')->{verificationToken};

    for my $status (401, 403, 404, 429, 500, 502, 503) {
        fault('/sessions/verify', $status, times => 1, retry_after => 7);
        my ($got, undef, $response) = verify($token);
        is $got, $status, "status $status";
        is $response->{headers}{'retry-after'}, 7, '... with Retry-After';
    }
    is((verify($token))[0], 200, 'and it is over');

    fault('/sessions/verify', 'html', times => 1);
    my ($status, undef, $response) = verify($token);
    is "$status $response->{headers}{'content-type'}",
        '200 text/html;charset=UTF-8', 'html';

    fault('/sessions/verify', 'bad_json', times => 1);
    ($status, my $answer, $response) = verify($token);
    is $status, 200, 'bad_json';
    is $answer, undef, '... cannot be decoded';

    fault('/sessions/verify', 'empty', times => 1);
    is_deeply [(verify($token))[0, 1]], [200, {}], 'empty';

    fault('/sessions/verify', 'redirect', times => 1);
    ($status, undef, $response) = verify($token);
    is $status, 307, 'redirect';
    is $response->{headers}{location}, "$PARA_URL/redirected", '... location';

    fault(
        '/sessions/verify', 'answer',
        times   => 1,
        status  => 207,
        headers => [['X-One', 'a'], ['X-One', 'b']],
        body    => {identifier => 'x'}
    );
    ($status, $answer, $response) = verify($token);
    is $status, 207, 'answer';
    is_deeply $answer, {identifier => 'x'}, '... its body';
    is_deeply $response->{headers}{'x-one'}, [qw(a b)], '... its headers';

    fault('/sessions/verify', 'garbage', times => 1);
    unlike exchange($token), qr{\AHTTP/}, 'garbage';

    fault('/sessions/verify', 'close', times => 1);
    is exchange($token), '', 'close';

    fault('/sessions/verify', 'hang', times => 1);
    my $start = time;
    is exchange($token, 1), '', 'hang: nothing';
    cmp_ok time - $start, '>', 0.9, '... and no end';

    fault('/sessions/verify', 'slow', times => 1, delay_ms => 400);
    $start = time;
    is((verify($token))[0], 200, 'slow');
    cmp_ok time - $start, '>', 0.35, '... by what was asked for';

    fault('/sessions/verify', '500', times => 1, delay_ms => 400);
    $start = time;
    is((verify($token))[0], 500, '500 after a delay');
    cmp_ok time - $start, '>', 0.35, '... of what was asked for';
};

subtest 'reset' => sub {
    fault('/sessions/verify', 'reset', times => 1);

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $PARA_PORT
    ) or die "connect: $@";
    syswrite $socket, raw_verify('any');

    ok(IO::Select->new($socket)->can_read(5), 'something comes');
    my $n = sysread $socket, my $buffer, 100;
    ok !defined $n && $! == ECONNRESET, 'a reset';
};

subtest 'faults that spoil the answer' => sub {
    reset_para();
    my $token = login('alice')->{verificationToken};

    fault('/sessions/verify', 'truncated', times => 1);
    my ($head, $body) = split /\r\n\r\n/, exchange($token), 2;
    my ($length) = $head =~ /^Content-Length: (\d+)/m;
    cmp_ok $length, '>', length $body, 'truncated: less than announced';
    is decode_json($body)->{authType}, 'email',
        '... though what came looks whole';

    fault('/sessions/verify', 'truncated_chunked', times => 1);
    my $answer = exchange($token);
    like $answer, qr/^Transfer-Encoding: chunked\r$/m, 'truncated_chunked';
    like $answer, qr/"email".*\}\r\n\z/s, '... has no last chunk';

    fault('/sessions/verify', 'oversized', times => 1);
    my ($status, $json, $response) = verify($token);
    is "$status $json->{authType}", '200 email', 'oversized';
    cmp_ok length $response->{content}, '>', 1_000_000, '... is large';

    fault('/sessions/verify', 'wrong_types', times => 1);
    ($status, $json) = verify($token);
    is $status, 200, 'wrong_types';
    is_deeply $json, {authType => 42, identifier => ['x']}, '... answer';

    fault('/sessions/verify', 'crlf', times => 1);
    ($status, $json, $response) = verify($token);
    is $json->{identifier}, "alice\@example.com\r\nX-Para-Roles: admin",
        'crlf';
    unlike $response->{content}, qr/[\r\n]/, '... as JSON escapes';
};

# All that comes within a time, with when the parts came.
sub read_slowly {
    my ($socket, $seconds) = @_;

    my ($all, @parts) = ('');
    my $end    = time + $seconds;
    my $select = IO::Select->new($socket);

    while ((my $left = $end - time) > 0) {
        next if !$select->can_read($left);
        my $n = sysread($socket, my $part, 65536) or last;
        push @parts, [time, $n];
        $all .= $part;
    }

    return ($all, @parts);
}

sub send_jwks_request {
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $PARA_PORT
    ) or die "connect: $@";

    syswrite $socket, "GET /.well-known/jwks.json HTTP/1.1\r\n"
        . "Host: para\r\n\r\n";
    return $socket;
}

subtest 'faults of a server of key sets' => sub {
    my $path = '/.well-known/jwks.json';
    my ($set, $right) = (jwks())[1, 2];

    reset_para();
    fault($path, 'trickle', delay_ms => 50, times => 2);
    my $start = time;
    my ($all, @parts) = read_slowly(send_jwks_request(), 2);
    my $most = (time - $start) / 0.05;
    my ($head, $body) = split /\r\n\r\n/, $all, 2;
    like $head, qr/^Content-Length: @{[length $right->{content}]}\r?$/m,
        '... and announces the set';
    like $head, qr/^ETag: \Q$right->{headers}{etag}\E\r?$/m,
        '... with its tag';
    cmp_ok length $body, '>', 5,  '... then byte after byte';
    cmp_ok length $body, '<=', $most, '... at the asked pace';
    is $body, substr($right->{content}, 0, length $body), '... of the set';
    ok wait_until(5, sub { calls()->{in_flight} == 0 }),
        '... until the client has enough';

    para_keys(set => '{"keys":[]}');
    $start = time;
    ($all, @parts) = read_slowly(send_jwks_request(), 30);
    like $all, qr/\r\n\r\n\{"keys":\[\]\}\z/, '... or to the end';
    cmp_ok time - $start, '<', 25, '... where it closes';
    para_keys(set => undef);

    fault($path, 'trickle', times => 1);
    $start = time;
    (undef, @parts) = read_slowly(send_jwks_request(), 2.5);
    cmp_ok scalar @parts, '<=', 1 + time - $start,
        'a trickle is of one byte a second';

    fault($path, 'trickle', delay_ms => 5000, times => 1);
    $all = (read_slowly(send_jwks_request(), 1.5))[0];
    like $all, qr/\r\n\r\n\z/, '... after a head that comes at once, alone';

    fault($path, 'trickle_head', delay_ms => 50, times => 1);
    ($all, @parts) = read_slowly(send_jwks_request(), 1);
    cmp_ok length $all, '>', 2, 'trickle_head: byte after byte';
    is $all, substr("HTTP/1.1 200 OK\r\nContent", 0, length $all),
        '... of the head already';

    fault($path, 'endless', times => 1);
    my $socket = send_jwks_request();
    my $select = IO::Select->new($socket);
    my $size   = 0;
    while ($size < 4_000_000 && $select->can_read(5)) {
        my $n = sysread($socket, my $part, 65536) or last;
        $size += $n;
    }
    cmp_ok $size, '>=', 4_000_000, 'endless';
    close $socket;
    ok wait_until(5, sub { calls()->{in_flight} == 0 }),
        '... until the client has enough';

    fault($path, 'huge_header', times => 1);
    $all = (read_slowly(send_jwks_request(), 5))[0];
    like $all, qr/^X-Padding: x{512}/m, 'huge_header';
    cmp_ok length $all, '>', 512 * 1024, '... is';
    like $all, qr/\r\n\r\n\Q$right->{content}\E\z/, '... before the set';

    fault($path, 'huge_header', size => 1000, times => 1);
    my $response = (jwks())[2];
    is length $response->{headers}{'x-padding'}, 1000, '... or as told';

    for my $size (undef, 65536) {
        fault($path, 'oversized', times => 1,
            (defined $size ? (size => $size) : ()));
        my ($status, $answer, $response) = jwks();
        cmp_ok length $response->{content}, '>', $size // 1_000_000,
            'oversized';
        is_deeply $answer->{keys}, $set->{keys}, '... with all the keys';
    }

    fault($path, 'hang', times => 1);
    is((read_slowly(send_jwks_request(), 0.5))[0], '', 'hang');
};

subtest 'further ports, with TLS and without' => sub {
    reset_para();
    make_certificates();

    my $port = para_listen();
    my $url  = "http://127.0.0.1:$port/.well-known/jwks.json";
    is $http->get($url)->{content}, (jwks())[2]{content},
        'the same Para at one more port';

    my $kept = IO::Socket::INET->new("127.0.0.1:$port") or die $@;
    para_unlisten($port);
    is $http->get($url)->{status}, 599, '... until it ends';
    is((read_slowly($kept, 5))[0], '', '... with its connections');
    is para_listen(port => $port), $port, '... and begins again';
    is $http->get($url)->{status}, 200, '... at the same port';

    ok !eval { para_unlisten($port + 1); 1 }, 'only what listens can end';
    ok !eval { para_listen(port => $port); 1 }, '... and only once';
    like $@, qr/ 400 .*in use/, '... for a reason';
    ok !eval { para_listen(cert => "$PARA_DIR/good.crt"); 1 },
        'no certificate without a key';
    para_unlisten($port);

    my %why = (
        name     => qr/hostname verification failed/,
        stranger => qr/certificate verify failed/,
        expired  => qr/certificate verify failed/,
        self     => qr/certificate verify failed/,
    );
    for my $name ('good', sort keys %why) {
        my $port = tls_port($name);
        for my $check (1, 0) {
            my $tls = HTTP::Tiny->new(
                timeout     => 10,
                verify_SSL  => $check,
                SSL_options => {SSL_ca_file => "$PARA_DIR/trusted.crt"}
            );
            my $answer =
                $tls->get("https://localhost:$port/.well-known/jwks.json");

            if ($name eq 'good' || !$check) {
                is $answer->{status}, 200, "certificate \"$name\"";
                next;
            }
            is $answer->{status}, 599, "certificate \"$name\", checked";
            like $answer->{content}, $why{$name}, '... is not good';
        }
        para_unlisten($port);
    }

    my @calls = para_requests('/.well-known/jwks.json');
    is $calls[0]{tls}, undef, 'a call without TLS says so';
    is $calls[-1]{tls}{server_name}, 'localhost', '... and one with it';
    like $calls[-1]{tls}{version}, qr/\ATLSv1_[23]\z/, '... of which version';

    my $address = IO::Socket::SSL->new(
        PeerAddr            => '127.0.0.1',
        PeerPort            => tls_port('good'),
        SSL_ca_file         => "$PARA_DIR/trusted.crt",
        SSL_verifycn_name   => '127.0.0.1',
        SSL_verifycn_scheme => 'http',
    );
    ok $address, 'the good certificate is for the address, too';

    for my $mode (qw(close reset)) {
        my $port = tls_port('good');
        fault('/.well-known/jwks.json', $mode, times => 1);
        my $tls = IO::Socket::SSL->new(
            PeerAddr        => '127.0.0.1',
            PeerPort        => $port,
            SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_NONE()
        ) or die "TLS: $@";
        print {$tls} "GET /.well-known/jwks.json HTTP/1.1\r\n"
            . "Host: para\r\n\r\n";
        is join('', <$tls>), '', "$mode with TLS: nothing comes";
    }

    my $front = IO::Socket::SSL->new(
        PeerAddr           => '127.0.0.1',
        PeerPort           => tls_front('good'),
        SSL_ca_file        => "$PARA_DIR/trusted.crt",
        SSL_verifycn_name  => 'localhost',
        SSL_alpn_protocols => ['h2', 'http/1.1'],
    ) or die "TLS: $@";
    is $front->alpn_selected, 'h2', 'a front that speaks HTTP/2';
};

subtest 'a second Para' => sub {
    my $second = second_para();
    my $jwt    = $second->login('bob')->{jwt};

    ok !is_published($jwt), 'has its own keys';
    is $second->change_keys(rotate => 1)->{kid},
        $second->para('private_keys')->[0]{kid}, '... that rotate';
    is scalar @{kids()}, 2, '... by themselves';

    my $port = tls_port('good', para => $second);
    my $answer = HTTP::Tiny->new(
        verify_SSL  => 1,
        SSL_options => {SSL_ca_file => "$PARA_DIR/trusted.crt"}
    )->get("https://localhost:$port/.well-known/jwks.json");
    is scalar @{decode_json($answer->{content})->{keys}}, 3, 'TLS';

    $second->stop;
    ok !IO::Socket::INET->new("127.0.0.1:$port"), 'it can end';
};

subtest 'black holes' => sub {
    my $port   = black_hole_port();
    my @socket = map { IO::Socket::INET->new("127.0.0.1:$port") } 1 .. 20;
    is scalar(grep {defined} @socket), 20, 'accept: connections';
    is syswrite($socket[0], 'x' x 100), 100, '... that take what is sent';
    is((read_slowly($socket[0], 0.3))[0], '', '... without a word');

    $port = black_hole_port('connect');
    my $start  = time;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $port,
        Timeout  => 0.5
    );
    ok !$socket, 'connect: no connection';
    cmp_ok time - $start, '>', 0.4, '... and no refusal';

    my $udp = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => black_hole_port('udp'),
        Proto    => 'udp'
    ) or die $@;
    is send($udp, 'x', 0), 1, 'udp: a datagram goes';
    my ($all, @parts) = read_slowly($udp, 0.3);
    is scalar @parts, 0, '... and no answer comes';
    is send($udp, 'x', 0), 1, '... not even that nobody is there';

    ok !eval { black_hole_port('x'); 1 }, 'there is no other kind';
};

subtest 'providers of the tests' => sub {
    my $file = "key_file $PARA_DIR/jwks.json;";

    like http_config(), qr/^ {8}\Q$file\E$/m, 'keys from the file';
    unlike http_config(key_source => 'url'), qr/key_file .*jwks/,
        '... or by the URL';
    like http_config(), qr/^ {8}api \Q$PARA_URL\E;$/m, 'the emulator';
    like http_config(api => 'https://localhost:1', provider => 'x y;'),
        qr{^ {8}api https://localhost:1;\n.*^x y;\n}ms, '... or another';
    like para_provider(name => 'b', lines => 'z;'),
        qr/\A {4}para_auth_provider b \{\n.*^z;\n/ms, 'a provider alone';
    ok !eval { para_provider(key_source => 'x'); 1 }, 'no other source';
};

subtest 'faults come in turn, by path, and end' => sub {
    reset_para();
    my $token = login('alice')->{verificationToken};

    fault('/sessions/verify', '500', times => 2);
    fault('/sessions/verify', '429', times => 1);
    is_deeply [map { (verify($token))[0] } 1 .. 4], [500, 500, 429, 200],
        'in turn';

    fault('/touch', '500');
    is((verify($token))[0], 200, 'another path is not concerned');
    is((with_cookie('/touch', 'x'))[0], 500, 'this one is');
    is((with_cookie('/touch', 'x'))[0], 500, '... for good');
    fault('/touch', 'off');
    is((with_cookie('/touch', 'x'))[0], 200, '... until turned off');

    fault('*', '503');
    is((verify($token))[0], 503, 'any path');
    is((request(GET => '/.well-known/jwks.json'))[0], 503, '... any path');
    reset_para();
    is((verify($token))[0], 200, 'reset');

    for my $bad (['/x', 'nonsense'], ['x', '500'], ['/x', '200'],
        ['/x', '500', times => 'many'])
    {
        ok !eval { fault(@$bad); 1 }, "refused: @$bad";
        like $@, qr/ 400 /, '... with a reason';
    }
    ok !eval { login('nobody'); 1 }, 'an unknown user cannot log in';
    like $@, qr/alice, bob, carol/, '... and is told who can';
};

subtest CONNECTIONS . ' connections at once' => sub {
    reset_para();
    my $token = login('alice')->{verificationToken};
    fault('/sessions/verify', 'slow', delay_ms => 4000);

    my @sockets = map {
        IO::Socket::INET->new(
            PeerAddr => '127.0.0.1',
            PeerPort => $PARA_PORT,
            Timeout  => 10
        ) // die "connect: $@"
    } 1 .. CONNECTIONS;

    syswrite $_, raw_verify($token) for @sockets;

    ok wait_until(10, sub { calls()->{in_flight} == CONNECTIONS }),
        'all are in flight, and the control API still answers';

    my $good = 0;
    for my $socket (@sockets) {
        next if !IO::Select->new($socket)->can_read(15);
        sysread $socket, my $answer, 4096;
        $good++ if $answer =~ m{\AHTTP/1\.1 200 };
    }
    is $good, CONNECTIONS, 'all are answered';

    my $calls = calls();
    is $calls->{max_in_flight}, CONNECTIONS, 'max_in_flight';
    is $calls->{connections},   CONNECTIONS, 'connections';
};

subtest 'sample app' => sub {
    reset_app();
    my $body = 'x' x 2_000_000;
    my $raw = join "\r\n", 'PUT /a/b?c=d HTTP/1.1', 'Host: app', 'X_under: 1',
        'x-para-USER-id: a', 'X-Para-User-Id: b', 'Connection: close',
        'Content-Length: ' . length $body, '', $body;

    my (undef, $json) = split /\r\n\r\n/,
        http_raw($raw, port => $APP_PORT), 2;
    my $seen = decode_json($json);

    is "$seen->{method} $seen->{path} $seen->{query}", 'PUT /a/b c=d',
        'method, path, query';
    is_deeply $seen->{headers},
        [
        [Host => 'app'], ['X_under' => 1], ['x-para-USER-id' => 'a'],
        ['X-Para-User-Id' => 'b'], [Connection => 'close'],
        ['Content-Length' => length $body]
        ],
        'headers: order, spelling, duplicates';
    is $seen->{body_length}, length $body, 'length of the body';
    is $seen->{body_sha256},
        sha256_hex($body), 'digest of the body';

    my $chunked = join "\r\n", 'POST / HTTP/1.1', 'Host: app',
        'Connection: close', 'Content-Type: multipart/form-data; boundary=x',
        'Transfer-Encoding: chunked', '', '3', 'abc', '2', 'de', '0', '', '';
    (undef, $json) =
        split /\r\n\r\n/, http_raw($chunked, port => $APP_PORT), 2;
    is decode_json($json)->{body_sha256}, sha256_hex('abcde'),
        'a chunked body, whatever its type';

    is app_count(), 2, 'counted';
    is app_calls()->[1]{method}, 'POST', 'remembered';

    my $response = $http->get(
        "$APP_URL/?_status=418&_header=X-Accel-Redirect:%20/x&_header=A:b");
    is $response->{status}, 418, 'a status on request';
    is $response->{headers}{'x-accel-redirect'}, '/x', 'a header on request';

    reset_app();
    is app_count(), 0, 'reset';
};

subtest 'signers of the tests' => sub {
    my ($set) = (request(GET => '/.well-known/jwks.json'))[1];

    my $claims = decode_jwt(
        token    => para_jwt('carol', exp => time + 60, aud => undef,
            data => {userId => 'u-1', wallets => undef}),
        kid_keys => $set
    );
    is $claims->{data}{phone},  '+13105551234', 'para_jwt: the user\'s claims';
    is $claims->{data}{userId}, 'u-1',          '... with others put over';
    ok !exists $claims->{data}{wallets} && !exists $claims->{aud},
        '... or taken away';

    my $good = para_jwt('alice');
    ok eval { decode_jwt(token => $good, kid_keys => $set); 1 }, 'good';
    ok !eval { decode_jwt(token => tamper($good), kid_keys => $set); 1 },
        'tampered';
    is jwt_claims(tamper($good, sub => 'x'))->{sub}, 'x', '... as asked';

    open my $in, '<', "$PARA_DIR/own.jwks.json" or die $!;
    my $own = decode_json(join '', <$in>);
    open $in, '<', "$PARA_DIR/own-hmac.jwks.json" or die $!;
    push @{$own->{keys}}, @{decode_json(join '', <$in>)->{keys}};
    for my $alg (qw(RS256 ES256 HS256)) {
        my $claims = decode_jwt(
            token        => own_jwt(alg => $alg, user => 'bob',
                claims => {roles => ['a']}),
            kid_keys     => $own,
            accepted_alg => $alg
        );
        is $claims->{auth_identifier}, 'bob@example.com', "own_jwt: $alg";
        is_deeply $claims->{roles}, ['a'], '... with other claims';

        my $kid = jwt_header(own_jwt(alg => $alg))->{kid};
        ok eval {
            decode_jwt(
                token => sign_raw($alg, own_key($alg),
                    qq({"alg":"$alg","kid":"$kid","typ":"JWT"}), '{"a":1}'),
                kid_keys => $own
            )->{a};
        }, 'sign_raw';
    }
};

subtest 'ends with its parent' => sub {
    my $dir = "$PARA_DIR/orphan";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        system "$^X $EMULATOR --listen 127.0.0.1:0 --keys 1 --state $dir "
            . '--exit-with-parent & '
            . "for i in \$(seq 300); do test -e $dir/port && break; "
            . 'sleep 0.1; done';
        POSIX::_exit(0);
    }
    waitpid $pid, 0;

    ok wait_until(10, sub { -e "$dir/jwks.json" && !-e "$dir/port" }),
        'as its parent has';
};

done_testing;
