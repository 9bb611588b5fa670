#!/usr/bin/perl

# The signed identity: what it says, as an application reads it that knows only
# the gateway's public keys (Crypt::JWT is the reader); for whom it is good, and
# how long; that nobody gets another's; who signs, and what is no key.

use strict;
use warnings;
use utf8;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaUpstreams;
use Test::More;

use Crypt::JWT          qw(decode_jwt);
use Crypt::PK::ECC      ();
use Crypt::PK::Ed25519  ();
use Crypt::PK::RSA      ();
use Digest::SHA         qw(sha256);
use JSON::PP            ();
use MIME::Base64        qw(encode_base64url);
use Time::HiRes         qw(sleep time);

use constant {
    TTL     => 30,
    SHORT   => 8,
    RSA     => 256,                  # bytes
    MANY    => 40,
    FEW     => 6,
    FILLING => 600,
    SECOND  => 1.1,
};

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

my $JSON = JSON::PP->new->utf8->canonical;
my $NAME = 'X-Para-Assertion';


# ---- Keys -----------------------------------------------------------------

# As an operator makes them: a file's text.
sub genpkey {
    my (@options) = @_;

    open my $out, '-|', 'openssl', 'genpkey', @options or die "openssl: $!";
    my $pem = join '', <$out>;
    close $out or die "openssl genpkey @options: $?";
    return $pem;
}

sub ed25519 { return genpkey('-algorithm', 'ed25519') }

sub ec {
    my ($curve) = @_;
    return genpkey('-algorithm', 'EC', '-pkeyopt', "ec_paramgen_curve:$curve");
}

sub secret_file {
    my ($name, $text, $mode) = @_;
    return put_file($name, $text, $mode // oct '0400');
}

my %pem = (
    ed    => ed25519(),
    ed2   => ed25519(),
    other => ed25519(),
    ec    => ec('P-256'),
);
my %file = map { $_ => secret_file("$_.pem", $pem{$_}) } keys %pem;
my %key  = map {
    my $kind = $_ eq 'ec' ? 'Crypt::PK::ECC' : 'Crypt::PK::Ed25519';
    $_ => $kind->new(\$pem{$_})
} keys %pem;

# RFC 7638 3: of an Ed25519 or EC key.
sub kid {
    my ($name) = @_;

    my $jwk  = $key{$name}->export_key_jwk('public', 1);
    my %only = map { exists $jwk->{$_} ? ($_ => $jwk->{$_}) : () }
        qw(crv kty x y);
    return encode_base64url(sha256($JSON->encode(\%only)));
}

my @SECRETS = map { $_->export_key_jwk('private', 1)->{d} } values %key;


# ---- Gateways -------------------------------------------------------------

my $upstreams = ParaUpstreams->start("$PARA_DIR/upstreams");
my %at = map { $_ => '127.0.0.1:' . $upstreams->port($_) }
    qw(fastcgi uwsgi scgi h2);
my %pass = (
    fastcgi => 'fastcgi_param REQUEST_METHOD $request_method; '
        . "fastcgi_pass $at{fastcgi};",
    uwsgi => 'uwsgi_param REQUEST_METHOD $request_method; '
        . "uwsgi_pass $at{uwsgi};",
    scgi => 'scgi_param REQUEST_METHOD $request_method; '
        . "scgi_pass $at{scgi};",
    grpc => "grpc_pass grpc://$at{h2};",
);
my $protocols = join "\n",
    map {"        location /$_ { $pass{$_} }"} sort keys %pass;

sub server_lines {
    return <<"CONF" . verify_location();
        para_auth app;
        add_header X-Cache \$para_auth_cache always;
        para_auth_assertion key=$file{ed} audience=app;

        location / { proxy_pass $APP_URL; }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /session { para_auth app session; proxy_pass $APP_URL; }
        location /alone { para_auth_header off; proxy_pass $APP_URL; }
        location /es256 {
            para_auth_assertion key=$file{ec} audience=app issuer=gw;
            proxy_pass $APP_URL;
        }
        location /billing {
            para_auth_assertion key=$file{ed} audience=billing;
            proxy_pass $APP_URL;
        }
        location /named {
            para_auth_assertion key=$file{ed} audience=app header=X-Who
                                ttl=${\SHORT}s;
            proxy_pass $APP_URL;
        }
        location /off {
            para_auth_assertion off;
            proxy_pass $APP_URL;
            location /off/in { proxy_pass $APP_URL; }
        }
        location /limited {
            para_auth_assertion off;
            proxy_pass $APP_URL;
            limit_except GET {
                para_auth_assertion key=$file{ed} audience=limited;
                proxy_pass $APP_URL;
            }
        }
        location /open { para_auth off; proxy_pass $APP_URL; }
        location /satisfy {
            satisfy any;
            allow 127.0.0.1;
            deny all;
            proxy_pass $APP_URL;
        }
        location /page { error_page 404 /billing/page; root /nowhere; }
        location /page-off { error_page 404 /open/page; root /nowhere; }
        location /ssi { ssi on; ssi_types *; root $PARA_DIR/www; }
        location /dry {
            para_auth_dry_run on;
            proxy_pass $APP_URL;
        }
        location /preflight {
            para_auth_preflight pass;
            proxy_pass $APP_URL;
        }
$protocols
        location /own-lines {
            proxy_set_header X-Copy \$http_x_para_assertion;
            proxy_pass $APP_URL;
        }
        location = /keys { para_auth off; para_auth_jwks; }
        location = /keys-for-users { para_auth_jwks; }
        location = /metrics { para_auth off; para_auth_metrics; }
        location = /revoke {
            para_auth off;
            para_auth_revoke app;
            allow 127.0.0.1;
            deny all;
        }
CONF
}

mkdir "$PARA_DIR/www";
mkdir "$PARA_DIR/www/ssi";
put_file('www/ssi/same.html',  '<!--# include virtual="/billing" -->');
put_file('www/ssi/other.html', '<!--# include virtual="/jwt" -->');

my $state = "$PARA_DIR/state";
my $port  = free_ports();

sub provider_lines {
    return own_issuer() . "        state_path $state;\n";
}

# A server of another application's, where no assertion is made.
my $elsewhere = $port + 1;
my $h2        = $port + 2;

sub http_lines {
    return http_config(
        provider => provider_lines(),
        http     => <<"CONF");
    large_client_header_buffers 8 32k;
    server {
        listen 127.0.0.1:$elsewhere;
        underscores_in_headers on;
        ignore_invalid_headers off;
        location / { proxy_pass $APP_URL; }
    }
    server {
        listen 127.0.0.1:$h2 http2;
${\server_lines()}
    }
CONF
}

my $nginx = start_nginx(
    port    => $port,
    workers => 2,
    server  => server_lines(),
    http    => http_lines(),
);

# The keys, as an application gets them.
sub keys_of {
    my ($gateway) = @_;
    return get($gateway->{port}, '/keys', '')->{json};
}

# The one assertion that came with a request; undef if it was not exactly one.
sub assertion_of {
    my ($answer, $name) = @_;
    my @all = seen_by_app($answer, $name // $NAME);
    return @all == 1 ? $all[0] : undef;
}

sub ask {
    my ($path, $login, %options) = @_;

    my $layer = $path =~ m{\A/(jwt|session)} ? $1 : undef;
    my $lines = ref $login ? credentials($login, $layer) : $login;
    return get(
        $options{port} // $port,
        $path, join("\n", $lines, @{$options{lines} // []}),
        %options
    );
}

# What the app learns, undef if it must not believe it; in a list also the
# header, and why.  Options: keys, aud, iss.
sub verified {
    my ($text, %options) = @_;

    my ($header, $claims) = eval {
        decode_jwt(
            token         => $text,
            kid_keys      => $options{keys} // keys_of($nginx),
            accepted_alg  => [qw(EdDSA ES256)],
            verify_iss    => $options{iss} // 'para-auth',
            verify_aud    => $options{aud} // 'app',
            verify_exp    => 1,
            verify_iat    => 1,
            decode_header => 1,
        );
    };
    return wantarray ? ($claims, $header, $@) : $claims;
}

my %login = map { $_ => login($_) } qw(alice bob);


# ---- What it says ---------------------------------------------------------

subtest 'an identity of Para\'s' => sub {
    for my $case (['/', 'EdDSA', 'para-auth', 'ed'],
        ['/es256', 'ES256', 'gw', 'ec'])
    {
        my ($path, $alg, $iss, $name) = @$case;
        my $answer = ask($path, $login{alice});
        my $text   = assertion_of($answer);
        ok(defined $text, "$path: one header") or next;

        my ($claims, $header, $why) = verified($text, iss => $iss);
        ok($claims, "$path: verified") or diag $why;

        is_deeply($header,
            {   alg => $alg,
                typ => 'JWT',
                kid => kid($name)
            },
            "$path: header"
        );

        my $user = $login{alice}{user};
        my ($iat, $exp) = delete @$claims{qw(iat exp)};
        cmp_ok(abs($iat - time), '<', 10, "$path: issued now");
        cmp_ok($exp - $iat, '==', TTL, "$path: short-lived");

        is_deeply($claims,
            {   iss             => $iss,
                aud             => 'app',
                sub             => $user->{userId},
                para_user_id    => $user->{userId},
                auth_identifier => $user->{identifier},
                auth_method     => $user->{authType},
                auth_issuer     => 'para',
                wallets         => [
                    map { {type => $_->{type}, address => $_->{address}} }
                        @{$user->{wallets}}
                ],
            },
            "$path: claims"
        );
        is($answer->{json}{para}{'X-Para-User-Id'},
            $user->{userId}, "$path: as the header says");
    }
};

subtest 'an identity of the backend\'s, with anything in it' => sub {
    my %claims = (
        internal_user_id => "ü 1%2C,\x{20ac}",
        para_user_id     => 'p,1',
        auth_identifier  => ' "quoted\\" <&> ',
        auth_method      => 'a:b',
        roles            => ['admin', 'a,b', '100%', " \x{1f600} "],
    );
    my $answer =
        ask('/jwt', bearer(own_jwt(user => 'alice', claims => \%claims)));
    my $claims = verified(assertion_of($answer));

    for my $name (sort keys %claims) {
        is_deeply($claims->{$name}, $claims{$name}, $name);
    }
    is($claims->{sub}, 'p,1', 'sub: Para\'s id');
    is($claims->{auth_issuer}, 'backend', 'whose word it is');

    $claims = verified(assertion_of(ask('/jwt',
                bearer(own_jwt(claims => {para_user_id => undef})))));
    ok(!exists $claims->{sub}, 'no sub without Para\'s id');
    is($claims->{internal_user_id}, 'u-alice', 'but the operator\'s own');
};

subtest 'of the session alone' => sub {
    my $answer = ask('/session', $login{alice});
    my $claims = verified(assertion_of($answer));
    ok(!exists $claims->{sub}, 'Para does not say whose id it is');
    is($claims->{auth_identifier}, $login{alice}{user}{identifier},
        'but who logged in');
};


# ---- Where it is, and where not -------------------------------------------

subtest 'where it is sent' => sub {
    my $answer = ask('/alone', $login{alice});
    is_deeply([keys %{$answer->{json}{para}}],
        [$NAME], 'alone, without para_auth_header');
    ok(verified(assertion_of($answer)), 'and good');

    $answer = ask('/named', $login{alice});
    is(assertion_of($answer), undef, 'under another name: not under this');
    my $claims = verified(assertion_of($answer, 'X-Who'));
    is($claims->{exp} - $claims->{iat}, SHORT, 'with its own ttl');

    for my $path ('/off', '/off/in', '/open', '/limited') {
        $answer = ask($path, $login{alice});
        is($answer->{status}, 200, "$path: let in");
        is_deeply([seen_by_app($answer, $NAME)], [], "$path: none");
    }

    $answer = ask('/limited', $login{alice}, method => 'DELETE');
    ok(verified(assertion_of($answer), aud => 'limited'), 'in limit_except');

    # nobody has said who it is
    $answer = ask('/satisfy', '');
    is($answer->{status}, 200, 'satisfy any: let in by address');
    is_deeply([seen_by_app($answer, $NAME)], [], '... with no identity');

    $answer = ask('/own-lines', $login{alice});
    is(assertion_of($answer, 'X-Copy'), assertion_of($answer),
        'a variable shows what is sent');
};

subtest 'upstreams of every protocol' => sub {
    for my $kind (sort keys %pass) {
        $upstreams->forget;
        ask("/$kind", $login{alice}, lines => ["$NAME: forged"]);

        my ($request) = $upstreams->requests;
        my @all = map { $_->[1] }
            grep { $_->[0] =~ /\A(?:http[-_])?x[-_]para[-_]assertion\z/i }
            @{$request->{headers}};
        is(scalar @all, 1, "$kind: one");
        is((verified($all[0]) // {})->{sub},
            $login{alice}{userId}, "$kind: verified");
    }
};

subtest 'none where nobody was let in as somebody' => sub {
    my $answer = ask('/dry', $login{alice}, lines => ["$NAME: forged"]);
    is($answer->{status}, 200, 'dry run');
    is_deeply([seen_by_app($answer, $NAME)], [], 'dry run: none');

    $answer = ask('/preflight', '', method => 'OPTIONS',
        lines => ['Origin: https://a.example',
            'Access-Control-Request-Method: GET', "$NAME: forged"]);
    is($answer->{status}, 200, 'preflight');
    is_deeply([seen_by_app($answer, $NAME)], [], 'preflight: none');
};

subtest 'redirects and subrequests' => sub {
    my $claims =
        verified(assertion_of(ask('/page', $login{alice})), aud => 'billing');
    is($claims->{sub}, $login{alice}{userId}, 'that of where it went');

    is_deeply([seen_by_app(ask('/page-off', $login{alice}), $NAME)],
        [], 'none to where it is off');

    my $answer = ask('/ssi/same.html', $login{alice});
    my $inner  = $JSON->decode($answer->{body});
    $claims = verified(assertion_of({json => $inner}), aud => 'billing');
    is($claims->{sub}, $login{alice}{userId}, 'subrequest of the same policy');

    $answer = ask('/ssi/other.html', $login{alice});
    unlike($answer->{body}, qr/assertion/i, 'subrequest of another policy');
};

subtest 'nothing with a refusal' => sub {
    reset_app();
    is(ask('/', '')->{status}, 401, 'refused');
    is(app_count(), 0, 'the app sees nothing');
};


# ---- What a client sends --------------------------------------------------

subtest 'a client\'s own' => sub {
    my $good = assertion_of(ask('/', $login{bob}));
    my @forged = map {"$_: $good"} $NAME, 'x-para-assertion',
        'X_Para_Assertion', 'X-Para.Assertion', 'X-PARA_assertion', 'X-Who',
        'x_who';

    for my $path ('/', '/off', '/open', '/named') {
        my $answer = ask($path, $login{alice}, lines => \@forged);
        my @all = map { seen_by_app($answer, $_) } $NAME, 'X-Who';
        is_deeply([grep { $_ eq $good } @all], [], "$path: Bob\'s is gone");
        is(scalar @all, $path eq '/' || $path eq '/named' ? 1 : 0,
            "$path: nothing but ours");
    }

    my $answer = ask('/any', '', port => $elsewhere, lines => \@forged);
    is($answer->{status}, 200, 'another server, without para_auth');
    is_deeply([map { seen_by_app($answer, $_) } $NAME, 'X-Who'],
        [], '... strips them too');
};

SKIP: {
    skip 'curl without HTTP/2', 1 if `curl --version` !~ /\bHTTP2\b/;

    subtest 'HTTP/2' => sub {
        my @lines = map { ('-H', $_) } split(/\n/, credentials($login{alice})),
            "$NAME: forged", "x_para_assertion: forged";
        open my $out, '-|', 'curl', '-sS', '--http2-prior-knowledge', @lines,
            "http://127.0.0.1:$h2/"
            or die "curl: $!";
        my $answer = {json => $JSON->decode(join '', <$out>)};
        is(verified(assertion_of($answer))->{sub},
            $login{alice}{userId}, 'ours, once');
    };
}


# ---- For whom, and how long -----------------------------------------------

subtest 'another application' => sub {
    my $text = assertion_of(ask('/billing', $login{alice}));
    ok(verified($text, aud => 'billing'), 'good for the one that it names');
    ok(!verified($text), 'and for no other');

    $text = assertion_of(ask('/', $login{alice}));
    ok(!verified($text, aud => 'billing'), 'nor the other way round');
    ok(!verified($text, iss => 'gw'), 'nor of another gateway');
    ok(!verified($text, keys => {keys => [
                    {   %{$key{other}->export_key_jwk('public', 1)},
                        kid =>
                            kid('ed')
                    }]}),
        'nor with another key');

    my ($head, $body, $signature) = split /[.]/, $text;
    ok(!verified(tamper($text, sub => $login{bob}{userId})),
        'nor with another name in it');
};

subtest 'made once, and renewed half-way' => sub {
    my $alice = login('alice');
    my %seen;

    # by whichever worker, from the first look or from the cache
    for (1 .. MANY) {
        my $answer = ask('/', $alice);
        $seen{assertion_of($answer)}++;
    }
    is(scalar keys %seen, 1, 'one for all requests, in all workers');

    my ($first, $again) = map { assertion_of(ask('/named', $alice), 'X-Who') }
        1 .. 2;
    is($again, $first, 'the same while it is young');

    # A clock of whole seconds: half of the time is over for certain.
    sleep SHORT / 2 + SECOND;
    my $asked = time;
    my $next  = assertion_of(ask('/named', $alice), 'X-Who');
    isnt($next, $first, 'another one then');

    my ($old, $new) = map { scalar jwt_claims($_) } $first, $next;
    cmp_ok($new->{iat}, '>=', $old->{iat} + SHORT / 2, 'a new one');
    cmp_ok($old->{exp}, '<=', $old->{iat} + SHORT, 'the old one ends');
    cmp_ok($new->{exp} - $asked, '>=', SHORT / 2 - SECOND,
        'whoever gets one has half of its time');
};

subtest 'two users by turns' => sub {
    my (%seen, $wrong);
    my %login = map { $_ => login($_) } qw(alice bob);
    my %id = map { $login{$_}{userId} => $_ } keys %login;

    for my $round (1 .. MANY) {
        for my $name (sort keys %login) {
            my $answer = ask('/', $login{$name});
            my $text = assertion_of($answer) // '';
            $wrong++ if jwt_claims($text)->{sub} ne $login{$name}{userId}
                || $answer->{json}{para}{'X-Para-User-Id'}
                ne $login{$name}{userId};
            $seen{$text} = $name;
        }
    }
    is($wrong, undef, 'each gets his own');
    is(scalar keys %seen, 2, 'one each');

    # At once, on both workers.
    my @names = map { ('alice', 'bob') } 1 .. MANY;
    my @answers = burst($port,
        [map { request_text('/', headers => credentials($login{$_})) }
            @names]);
    my @swapped = grep {
        my $text = assertion_of($answers[$_]);
        !defined $text
            || $id{jwt_claims($text)->{sub}} ne $names[$_]
    } 0 .. $#names;
    is_deeply(\@swapped, [], 'also at once');
};

subtest 'who changes gets another one' => sub {
    my %jwt = map { $_ => own_jwt(claims => {roles => [$_]}) } qw(user admin);

    my ($user, $admin) = map {
        scalar verified(assertion_of(ask('/jwt', bearer($jwt{$_}))))
    } qw(user admin);
    is_deeply($user->{roles},  ['user'],  'the one JWT');
    is_deeply($admin->{roles}, ['admin'], 'the other one of the same user');

    my $carol = login('carol');
    ok(assertion_of(ask('/', $carol)), 'let in');
    my $answer = get($port, '/revoke', 'Content-Type: application/json',
        method => 'POST', body => $JSON->encode({user => $carol->{userId}}));
    is($answer->{status}, 200, 'revoked');
    reset_app();
    is(ask('/', $carol)->{status}, 401, 'refused');
    is(app_count(), 0, 'with nothing to the app');

    # A revocation of somebody else: what was kept is not given out again.
    my $dave   = login('dave');
    my $before = assertion_of(ask('/', $dave));
    sleep SECOND;
    get($port, '/revoke', 'Content-Type: application/json',
        method => 'POST', body => $JSON->encode({jti => 'nobody'}));
    isnt(assertion_of(ask('/', $dave)), $before, 'a look anew, a new one');
};

subtest 'no longer than the JWT' => sub {
    my $end    = int(time) + 8;
    my $jwt    = own_jwt(claims => {exp => $end - 10});
    my $answer = ask('/jwt', bearer($jwt));
    is($answer->{status}, 200, 'within the leeway of 10 seconds');
    is(jwt_claims(assertion_of($answer))->{exp}, $end, 'ends with the JWT');
};


# ---- The keys -------------------------------------------------------------

subtest 'the key set' => sub {
    my $answer = get($port, '/keys', '');
    is($answer->{status}, 200, 'there for everybody');
    is($answer->{header}{'content-type'}, 'application/jwk-set+json', 'type');
    is($answer->{header}{'cache-control'}, 'max-age=300', 'for a while');

    my %public = map { $_ => {
            %{$key{$_}->export_key_jwk('public', 1)},
            use => 'sig',
            alg => $_ eq 'ec' ? 'ES256' : 'EdDSA',
            kid => kid($_),
        } } qw(ed ec);
    is_deeply(
        [sort { $a->{kty} cmp $b->{kty} } @{$answer->{json}{keys}}],
        [@public{qw(ec ed)}],
        'each public key once, and nothing else'
    );

    my $metrics = get($port, '/metrics', '')->{json};
    my ($kept) = grep { $_->{labels}{kind} eq 'assertion' }
        @{$metrics->{para_auth_cache_entries}{samples}};
    cmp_ok($kept->{value}, '>', 5, 'what is kept is counted');

    my $head = get($port, '/keys', '', method => 'HEAD');
    is($head->{status}, 200, 'HEAD');
    is($head->{body}, '', 'without a body');

    for my $method (qw(POST PUT DELETE)) {
        my $refusal = get($port, '/keys', '', method => $method, body => 'x');
        is($refusal->{status}, 405, $method);
        is($refusal->{header}{allow}, 'GET, HEAD', "$method: Allow");
        is($refusal->{header}{'cache-control'}, undef, "$method: not kept");
    }

    is(get($port, '/keys-for-users', '')->{status}, 401, 'para_auth holds');
    is(ask('/keys-for-users', $login{alice})->{status}, 200, 'for both');
};

subtest 'rotation' => sub {
    my $lines = sub {
        my (@keys) = @_;
        my $keys = join ' ', map {"key=$file{$_}"} @keys;
        return <<"CONF";
        para_auth app jwt;
        location / {
            para_auth_assertion $keys audience=app ttl=1h;
            proxy_pass $APP_URL;
        }
        location = /keys { para_auth off; para_auth_jwks; }
CONF
    };
    my $own = start_nginx(server => $lines->('ed'), workers => 2);
    my $jwt = credentials($login{alice}, 'jwt');
    my $now = sub { assertion_of(ask('/', $jwt, port => $own->{port})) };
    my $kid = sub { jwt_header($now->())->{kid} };
    my %kid = map { $_ => kid($_) } qw(ed ed2);

    my $change = sub {
        my (@keys) = @_;
        my $conf = $own->{conf} =~ s/(?:key=\S+ )+audience/
            join(' ', (map {"key=$file{$_}"} @keys), 'audience')/er;
        open my $out, '>', $own->{file} or die "$own->{file}: $!";
        print {$out} $conf;
        close $out;
        my $before = keys_of($own);
        $own->reload;
        ok( wait_until(15, sub {
                $JSON->encode(keys_of($own)) ne $JSON->encode($before)
            }),
            "reloaded with @keys"
        );
        sleep SECOND;
    };

    my $first = $now->();
    is($kid->(), $kid{ed}, 'the one key');
    is($now->(), $first, 'kept');

    $change->('ed', 'ed2');
    is($kid->(), $kid{ed}, 'the first signs');
    is_deeply([sort map { $_->{kid} } @{keys_of($own)->{keys}}],
        [sort values %kid], 'both are published');
    is($now->(), $first, 'what is kept outlives a reload');

    $change->('ed2', 'ed');
    is($kid->(), $kid{ed2}, 'now the other one signs');
    ok(verified($first, keys => keys_of($own)), 'the old one is still good');

    $change->('ed2');
    is($kid->(), $kid{ed2}, 'the new one alone');
    ok(!verified($first, keys => keys_of($own)), 'the old one is not');

    is_healthy($own, 'all of this');
};

subtest 'a zone that is full' => sub {
    my $own = start_nginx(
        http    => http_config(zone => '128k', provider => own_issuer()),
        workers => 2,
        server  => <<"CONF");
        para_auth app jwt;
        para_auth_assertion key=$file{ed} audience=app;
        location / { proxy_pass $APP_URL; }
CONF
    my $wrong = 0;
    for my $i (1 .. 10 * MANY) {
        my $name   = "user-$i";
        my $answer = ask('/', bearer(own_jwt(claims => {
                para_user_id => $name, roles => ['x' x 100]})),
            port => $own->{port});
        my $text = assertion_of($answer);
        $wrong++ if !defined $text || jwt_claims($text)->{sub} ne $name;
    }
    is($wrong, 0, 'each request has its own all the same');
    is_healthy($own, 'all of this');
};

# What is in it was there first; still there is room for those who are.
subtest 'a zone full of those without one' => sub {
    my $own = start_nginx(
        http   => http_config(zone => '128k', provider => own_issuer()),
        server => <<"CONF");
        keepalive_requests 10000;
        para_auth app jwt;
        location / { try_files /none =204; }
        location /signed {
            para_auth_assertion key=$file{ed} audience=app;
            proxy_pass $APP_URL;
        }
        location /metrics { para_auth off; para_auth_metrics; }
CONF
    my $kept = sub {
        my ($kind) = @_;
        my $text = get($own->{port}, '/metrics', 'Accept: text/plain')->{body};
        my ($count) = $text =~ /_cache_entries[{]kind="$kind"[}] (\d+)/;
        return $count;
    };
    my @jwts = map { bearer(own_jwt(claims => {roles => ["r$_"]})) }
        1 .. FILLING;
    my $socket = connect_to($own->{port});
    exchange($socket, request_text('/', headers => $_)) for @jwts;

    my $full = $kept->('good');
    cmp_ok($full, '<', FILLING, 'it is full');

    my @users = @jwts[0 .. FEW - 1];
    my @first = map { assertion_of(ask('/signed', $_, port => $own->{port})) }
        @users;
    sleep SECOND;
    my @again = map { assertion_of(ask('/signed', $_, port => $own->{port})) }
        @users;
    is_deeply(\@again, \@first, 'not made anew for each request');
    is($kept->('assertion'), FEW, 'one for each');

    # They are no reason to forget most of the others; large ones count for
    # what they take.
    ask('/signed', $_, port => $own->{port}) for @jwts[0 .. FILLING / 2];
    cmp_ok($kept->('good'), '>', 0.8 * $full, 'most others are still known');

    ask('/signed', bearer(own_jwt(claims => {roles => ["r$_", 'x' x 1500]})),
        port => $own->{port})
        for 1 .. 2 * FEW;
    cmp_ok($kept->('assertion'), '<=', FEW, 'fewer large ones');
};


# ---- What cannot be -------------------------------------------------------

sub refused_conf {
    my ($name, $location, $message, %options) = @_;

    my ($good, $said) = check_nginx(
        http   => $options{http} // http_config(),
        server => $options{server} // <<"CONF");
        para_auth app jwt;
        location / {
            $location
            proxy_pass $APP_URL;
        }
CONF
    ok(!$good, "refused: $name");
    like($said, $message, "refused: $name: says why") or diag $said;
    like($said, qr/nginx\.conf:\d+/, "refused: $name: where");
    unlike($said, qr/PRIVATE|\Q$SECRETS[0]\E/, "refused: $name: no secret");
    return;
}

{
    my $rsa = Crypt::PK::RSA->new;
    $rsa->generate_key(RSA);
    my %bad = (
        readable => [secret_file('readable.pem', $pem{ed}, oct '0444'),
            qr/holds a secret, and its mode 0444/],
        missing => ["$PARA_DIR/nowhere.pem", qr/open\(\) .* failed/],
        empty   => [secret_file('empty.pem', ''), qr/has 0 bytes/],
        large   => [secret_file('large.pem', 'a' x 16_385),
            qr/has 16385 bytes/],
        text => [secret_file('text.pem', "hello\n"),
            qr/no private key in PEM/],
        public => [
            secret_file('public.pem', $key{ed}->export_key_pem('public')),
            qr/no private key in PEM/
        ],
        jwk => [secret_file('key.jwk', $key{ed}->export_key_jwk('private')),
            qr/no private key in PEM/],
        rsa => [secret_file('rsa.pem', $rsa->export_key_pem('private')),
            qr/neither Ed25519 nor P-256/],
        p384 => [secret_file('p384.pem', ec('P-384')),
            qr/neither Ed25519 nor P-256/],
        passphrase => [
            secret_file('word.pem', genpkey(qw(-algorithm ed25519
                -aes-128-cbc -pass pass:word))),
            qr/has a passphrase/
        ],
        two => [secret_file('two.pem', $pem{ed} . $pem{ed2}),
            qr/more than one private key/],
        directory => [$PARA_DIR, qr/not a regular file/],
    );
    for my $name (sort keys %bad) {
        my ($file, $message) = @{$bad{$name}};
        refused_conf("key: $name",
            "para_auth_assertion key=$file audience=app;", $message);
    }
}

my $KEY = "key=$file{ed}";
refused_conf($_->[0], "para_auth_assertion $_->[1];", $_->[2]) for
    ['no audience', $KEY, qr/needs "audience=name"/],
    ['empty audience', "$KEY audience=", qr/invalid parameter "audience="/],
    ['audience that is a variable', "$KEY audience=\$host",
        qr/"audience=\$host" is no name/],
    ['audience that is no text', "$KEY audience=\xff",
        qr/"audience=.*" is no name/],
    ['issuer of a line', qq($KEY audience=a "issuer=a\\nb"),
        qr/ is no name/],
    ['no key', 'audience=app', qr/needs a key to sign with/],
    ['empty key', 'key= audience=app', qr/invalid parameter "key="/],
    ['twice an audience', "$KEY audience=a audience=b", qr/is there twice/],
    ['another word', "$KEY audience=a tll=3s", qr/invalid parameter "tll=3s"/],
    ['off and more', 'off audience=a', qr/takes nothing beside "off"/],
    ['ttl of nothing', "$KEY audience=a ttl=0", qr/is no time for/],
    ['ttl too short', "$KEY audience=a ttl=1s", qr/is no time for/],
    ['ttl too long', "$KEY audience=a ttl=61m", qr/is no time for/],
    ['ttl of words', "$KEY audience=a ttl=soon", qr/is no time for/],
    ['header that is framing', "$KEY audience=a header=Content-Length",
        qr/cannot carry identity/],
    ['header that is a credential', "$KEY audience=a header=X-Para-Session",
        qr/cannot carry identity/],
    ['header with odd characters', "$KEY audience=a header=X_Who",
        qr/must consist of letters/],
    ['header of an identity', "$KEY audience=a header=x-para-user-id",
        qr/is one that para_auth_header sends already/],
    ['a duplicate', "$KEY audience=a; para_auth_assertion $KEY audience=b",
        qr/is duplicate/];

refused_conf('header of para_auth_header',
    "para_auth_header X-Who \$uri; "
        . "para_auth_assertion $KEY audience=a header=X-Who;",
    qr/header "X-Who" is one that para_auth_header sends already/);
refused_conf('header that a credential comes in',
    "para_auth_token \$http_x_who; "
        . "para_auth_assertion $KEY audience=a header=X-Who;",
    qr/looks for a credential in the header "x-who"/);
refused_conf('without para_auth', '', qr/has nobody to speak of/,
    server => "location / { para_auth_assertion $KEY audience=a; }");
refused_conf('with para_auth off', '', qr/has nobody to speak of/,
    server => "location / { para_auth off; "
        . "para_auth_assertion $KEY audience=a; }");
refused_conf('without a provider', '', qr/has nobody to speak of/,
    http   => '',
    server => "location / { para_auth_assertion $KEY audience=a; }");
refused_conf('keys of nobody', '', qr/has no keys to show/,
    server => 'location / { para_auth_jwks; }');
refused_conf('keys twice',
    "para_auth_assertion $KEY audience=a; para_auth_jwks; para_auth_jwks;",
    qr/is duplicate/);
refused_conf('keys where something else answers',
    "para_auth_assertion $KEY audience=a; para_auth_metrics; para_auth_jwks;",
    qr/give it a location of its own/);

# A file that the group may read; a name that nobody else sends: good.
{
    my ($good, $said) = check_nginx(server => <<"CONF");
        para_auth app jwt;
        location / {
            para_auth_header off;
            para_auth_assertion $KEY audience=a ttl=1h header=X-Para-User-Id;
        }
        location /group {
            para_auth_assertion audience=a
                key=${\secret_file('group.pem', $pem{ec}, oct '0440')};
        }
CONF
    ok($good, 'accepted') or diag $said;
}


# ---- Secrets --------------------------------------------------------------

subtest 'the key is nowhere' => sub {
    my @command = ($nginx->_command('-T'));
    open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command
        or die "nginx -T: $!";
    my $dump = join '', <$out>;
    like($dump, qr/para_auth_assertion key=/, 'nginx -T shows the directive');

    # A part of each key in every form that it could have: base64url, and
    # what its file has.
    my @parts = map { substr $_, 0, 20 } @SECRETS;
    push @parts, map { /^(?!---)(\S{20})/mg } values %pem;

    for my $place (['nginx -T', $dump], ['the log', $nginx->error_log],
        ['the key set', get($port, '/keys', '')->{body}])
    {
        my ($name, $text) = @$place;
        is_deeply([grep { index($text, $_) >= 0 } @parts], [], "not in $name");
    }
};

{
    # nginx itself shows the header lines that it does not take
    my $log = join "\n", grep { !/client sent invalid header/ } split /\n/,
        $nginx->error_log;
    ok($log !~ /\[(?:alert|crit|emerg)\]/, 'nothing grave in the log');
    ok($log !~ /eyJ[\w-]+[.]eyJ/, 'the log has no assertion');
}

done_testing();
