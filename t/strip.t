#!/usr/bin/perl

# What a client says of who it is reaches no upstream, in no encoding and by no
# protocol, and what the gateway says arrives.  Requests are written byte by
# byte, frame by frame, and what upstreams get is compared in their own bytes.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaTls;
use ParaH2 qw(h2_exchange h2_headers h2_huffman h2_literal h2_request);
use ParaUpstreams;
use Test::More;

use constant MANY => 50;

my @DEFAULTS = qw(X-Para-User-Id X-Para-Internal-User-Id X-Para-Roles
    X-Para-Wallets X-Para-Identifier X-Para-Auth-Type);
my @NAMES = (@DEFAULTS, 'X-Elsewhere');

my $built = `$ENV{TEST_NGINX_BINARY} -V 2>&1`;

sub nginx_version {
    $built =~ m{nginx/(\d+)\.(\d+)\.(\d+)} or die "what nginx is this: $built";
    return $1 * 1_000_000 + $2 * 1000 + $3;
}

# Over HTTP/3 a curl speaks that can; PARA_TEST_CURL is another than that in the
# path.
my $CURL = $ENV{PARA_TEST_CURL} // 'curl';
my $no_http3 =
      $built !~ /http_v3_module/             ? 'an nginx without HTTP/3'
    : `$CURL --version 2>&1` !~ /\bHTTP3\b/ ? 'a curl without HTTP/3'
    :                                          undef;


# ---- The gateway ----------------------------------------------------------

my $upstreams = ParaUpstreams->start("$PARA_DIR/upstreams");
my %at = map { $_ => '127.0.0.1:' . $upstreams->port($_) }
    qw(http fastcgi uwsgi scgi h2);

sub params {
    my ($protocol) = @_;
    return join "\n", map {"${protocol}_param $_;"}
        'REQUEST_METHOD $request_method', 'REQUEST_URI $request_uri',
        'CONTENT_LENGTH $content_length';
}

my %PASS = (
    http    => "proxy_http_version 1.1; proxy_pass http://$at{http};",
    http10  => "proxy_http_version 1.0; proxy_pass http://$at{http};",
    fastcgi => params('fastcgi') . " fastcgi_pass $at{fastcgi};",
    uwsgi   => params('uwsgi') . " uwsgi_pass $at{uwsgi};",
    scgi    => params('scgi') . " scgi_pass $at{scgi};",
    grpc    => "grpc_pass grpc://$at{h2};",
);

$PASS{http2} = "proxy_http_version 2; proxy_pass http://$at{h2};"
    if nginx_version() >= 1_029_004;

my @KINDS = sort keys %PASS;

# For a request that is refused before its body is read.
$PASS{page} = 'proxy_pass_request_body off; '
    . "proxy_set_header Content-Length ''; "
    . "proxy_set_header Transfer-Encoding ''; $PASS{http}";

# Where both layers count, where an address lets in as well, where none counts.
my %PLACE = (
    on  => 'para_auth app;',
    any => 'para_auth app; satisfy any; allow all;',
    off => 'para_auth off;',
);

my $kinds = join "\n", map {
    my $kind = $_;
    map {"location /$kind/$_ { $PLACE{$_} $PASS{$kind} }"} sort keys %PLACE
} @KINDS;

my $verify    = verify_location();
my $locations = <<"CONF";
$kinds
    location /unbuffered {
        location /unbuffered/on  {
            para_auth app;
            proxy_request_buffering off; $PASS{http}
        }
        location /unbuffered/off { proxy_request_buffering off; $PASS{http} }
    }

    # the operator's own lines beside ours
    location /lines {
        para_auth app;
        proxy_set_header Host app;
        proxy_set_header X-Real-IP \$remote_addr;
        $PASS{http}
    }
    location /copied {
        location /copied/on  {
            para_auth app;
            proxy_set_header X-Para-User-Id \$http_x_para_user_id;
            $PASS{http}
        }
        location /copied/off {
            proxy_set_header X-Para-User-Id \$http_x_para_user_id;
            $PASS{http}
        }
    }
    location /param {
        para_auth app;
        fastcgi_param HTTP_X_PARA_USER_ID \$para_auth_user_id;
        $PASS{fastcgi}
    }
    location /no-headers {
        location /no-headers/http {
            para_auth app; proxy_pass_request_headers off; $PASS{http}
        }
        location /no-headers/fastcgi {
            para_auth app; fastcgi_pass_request_headers off; $PASS{fastcgi}
        }
    }

    # as for WebSocket
    location /upgrade {
        location /upgrade/on {
            para_auth app;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$http_connection;
            $PASS{http}
        }
        location /upgrade/off {
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$http_connection;
            $PASS{http}
        }
    }

    # the page of a refusal
    location /page {
        para_auth app; error_page 401 /http/off/page; $PASS{http}
    }
    location /page-named {
        para_auth app; error_page 401 \@page; $PASS{http}
    }
    location \@page { $PASS{http} }
$verify
CONF

# What nginx itself refuses, some of it before any phase of the request.
my $ERRORS = '400 405 413 414 494 501 505';

my $port = free_ports();
my %port = (
    strict => $port,
    lax    => $port + 1,
    h2     => $port + 2,
    bare   => $port + 3,    # without a word about the gateway
    errors => $port + 4,
    named  => $port + 5,
    h3     => $port + 7,
);

make_self_signed('gateway', 'DNS:gateway');

my $lax = "underscores_in_headers on;\n    ignore_invalid_headers off;";

my $http3 = defined $no_http3 ? '' : <<"CONF";
    server {
        listen 127.0.0.1:$port{h3} quic;
        keepalive_timeout 10s;
        ssl_certificate $PARA_DIR/gateway.crt;
        ssl_certificate_key $PARA_DIR/gateway.key;
        $lax
$locations
    }
CONF

my $nginx = start_nginx(
    port   => $port,
    server => $locations,
    http   => http_config(http => <<"CONF"),
    large_client_header_buffers 8 32k;
    keepalive_timeout 0;
    lingering_close off;
    server {
        listen 127.0.0.1:$port{lax};
        $lax
$locations
    }
    server {
        listen 127.0.0.1:$port{h2} http2;
        $lax
$locations
    }
$http3
    server {
        listen 127.0.0.1:$port{bare};
        $lax
        location / { proxy_pass http://$at{http}; }
        location /fastcgi { $PASS{fastcgi} }
    }
    server {
        listen 127.0.0.1:$port{errors};
        $lax
        client_max_body_size 10;
        error_page $ERRORS /page;
        location / { para_auth app; $PASS{http} }
        location /page { $PASS{page} }
$verify
    }
    server {
        listen 127.0.0.1:$port{named};
        $lax
        client_max_body_size 10;
        error_page $ERRORS \@page;
        location / { para_auth app; $PASS{http} }
        location \@page { $PASS{page} }
$verify
    }
    # a name that only this server sends
    server {
        listen 127.0.0.1:@{[$port + 6]};
        para_auth_header X-Elsewhere \$para_auth_user_id;
        location / { para_auth app jwt; $PASS{http} }
    }
CONF
);

my $alice = login('alice');
my $user  = $alice->{user};
my @both  = split /\n/, credentials($alice);
my ($jwt, $session) = ($alice->{jwt}, $alice->{verificationToken});

my @ALICE = (
    "x-para-auth-type: $user->{authType}",
    "x-para-identifier: $user->{identifier}",
    "x-para-user-id: $user->{userId}",
    'x-para-wallets: '
        . join(',', map {"$_->{type}:$_->{address}"} @{$user->{wallets}}),
);


# ---- Spellings ------------------------------------------------------------

# RFC 9110 5.6.2, and whatever else nginx takes in a name if it is told to.
my @TOKEN = split //, q{!#$%&'*+-.^_`|~};
my @ANY = map {chr} grep { chr !~ /[A-Za-z0-9:]/ } 0x21 .. 0x7e, 0x80 .. 0xff;

sub spellings {
    my ($name) = @_;

    my @by_token = map {
        my $byte = $_;
        (   $name =~ s/-/$byte/gr,
            $name =~ s/-/$byte/r,
            $name =~ s/-(\w+)\z/$byte$1/r
        )
    } @TOKEN;

    return $name, lc $name, uc $name, $name =~ s/([a-z])/\u$1/gr,
        uc $name =~ tr/-/_/r, @by_token;
}

my @FORGED = map {"$_: forged"} map { spellings($_) } @NAMES;

# Each byte, with one of the names in turn.
push @FORGED,
    map { $NAMES[$_ % @NAMES] =~ s/-/$ANY[$_]/gr . ': forged' } 0 .. $#ANY;

# The same in fields: there, a name in upper case is no request at all.
my @FORGED_FIELDS = map { [lc, 'forged'] }
    do { my %once; grep { !$once{lc()}++ } map {s/: forged\z//r} @FORGED };

# nginx takes a thousand lines: half before the honest ones, half behind.
my ($half, @KEPT) = (int @FORGED / 2, 'X-Keep: kept-1', 'x~keep: kept-2');


# ---- Requests, and what became of them ------------------------------------

sub text {
    my ($path, @lines) = @_;
    return join "\r\n", "GET $path HTTP/1.1", 'Host: gateway', @lines, '', '';
}

sub fields { return map { [lc $_->[0], $_->[1]] } map { [split /: /] } @_ }

# Sends bytes; the status of the (first) answer.
sub raw {
    my ($bytes, $server) = @_;
    $upstreams->forget;
    my $answer = http_raw($bytes, port => $port{$server // 'lax'});
    return $answer =~ m{\AHTTP/1\.1 (\d+)} ? $1 : 0;
}

# Sends frames; the answer.
sub frames {
    $upstreams->forget;
    return h2_exchange($port{h2}, @_);
}

# Asks by HTTP/3; the status.
sub curl {
    my ($path, @lines) = @_;
    $upstreams->forget;
    open my $out, '-|', $CURL, '--http3-only', '-skm', 10,
        '-o', '/dev/null', '-w', '%{http_version} %{http_code}',
        (map { ('-H', $_) } @lines),
        "https://127.0.0.1:$port{h3}$path"
        or return 0;
    return <$out> =~ /\A3 (\d+)/ ? $1 : 0;
}

sub fold {
    my ($name) = @_;
    return lc($name) =~ s/\AHTTP_//ir =~ s/[^a-z0-9]/-/gr;
}

my %OURS = map { fold($_) => 1 } @NAMES;

# All that an application could take for an identity.
sub identity {
    my ($request) = @_;
    return [sort map { fold($_->[0]) . ": $_->[1]" }
            grep { $OURS{fold($_->[0])} } @{$request->{headers}}];
}

sub found {
    my ($request, @texts) = @_;
    my $all = join "\n", $request->{raw}, map {@$_} @{$request->{headers}};
    return [grep { index($all, $_) >= 0 } @texts];
}

# That one request is at an upstream, with the identity of whom it should have,
# and nothing forged.
sub arrives {
    my ($expected, $name) = @_;

    my @requests = $upstreams->requests;
    is(scalar @requests, 1, "$name: one request") or return;
    is_deeply(identity($requests[0]), $expected, "$name: the identity");
    is_deeply(found($requests[0], 'forged'), [], "$name: nothing forged");
    return $requests[0];
}

# That nothing forged is anywhere, whether or not something arrived.
sub nothing_forged {
    my ($name, $max) = @_;

    my @requests = $upstreams->requests;
    cmp_ok(scalar @requests, '<=', $max // 1, "$name: requests");
    is_deeply([map { identity($_) } @requests], [map { [] } @requests],
        "$name: nobody");
    is_deeply([map { @{found($_, 'forged')} } @requests],
        [], "$name: nothing forged");
    return;
}


# ---- Every upstream, every place, every client ----------------------------

sub around { return @FORGED[0 .. $half], @_, @FORGED[$half + 1 .. $#FORGED] }

my %CLIENT = (
    'strict HTTP/1' => sub {
        raw(text($_[0], around(@KEPT, @both)), 'strict');
    },
    'lax HTTP/1' => sub {
        raw(text($_[0], around(@KEPT, @both)));
    },
    'HTTP/3' => sub {
        curl($_[0], map {"$_->[0]: $_->[1]"} grep { $_->[0] !~ /[^ -~]/ }
                @FORGED_FIELDS, fields(@KEPT, @both), @FORGED_FIELDS);
    },
    'HTTP/2' => sub {
        frames(h2_request([@FORGED_FIELDS, fields(@KEPT, @both),
                    reverse @FORGED_FIELDS], path => $_[0]))->{status};
    },
);

sub asks_everywhere {
    my ($client) = @_;

    for my $kind (@KINDS) {
        subtest "$client to $kind" => sub {
            for my $place (sort keys %PLACE) {
                is($CLIENT{$client}->("/$kind/$place"), 200, "$place: 200");
                my $request = arrives($place eq 'on' ? \@ALICE : [], $place)
                    // next;

                is_deeply(found($request, 'kept-1', 'kept-2'),
                    [$client =~ /strict/ ? 'kept-1' : ('kept-1', 'kept-2')],
                    "$place: the client's own headers");
                is_deeply(
                    found($request, $jwt, $session),
                    $place eq 'off' ? [$jwt, $session] : [],
                    "$place: credentials"
                );
            }
        };
    }
    return;
}

asks_everywhere($_) for 'strict HTTP/1', 'lax HTTP/1', 'HTTP/2';

SKIP: {
    skip "HTTP/3: $no_http3", 1 if defined $no_http3;
    asks_everywhere('HTTP/3');
}

subtest 'a server without a word about it' => sub {
    for my $path ('/', '/fastcgi') {
        is(raw(text($path, @FORGED, @KEPT, @both), 'bare'), 200, $path);
        my $request = arrives([], $path) // next;
        is_deeply(found($request, 'kept-2', $jwt, $session),
            ['kept-2', $jwt, $session], "$path: all else is there");
    }
};

subtest MANY . ' copies' => sub {
    my @copies = map { ("X-Para-User-Id: forged-$_", "X-Keep: $_") } 1 .. MANY;
    for my $kind (@KINDS) {
        is(raw(text("/$kind/on", @copies, @both)), 200, $kind);
        arrives(\@ALICE, $kind);
        frames(h2_request([fields(@copies)], path => "/$kind/off"));
        arrives([], "$kind, HTTP/2");
    }
};


# ---- The operator's lines -------------------------------------------------

subtest 'proxy_set_header beside ours' => sub {
    raw(text('/lines', @FORGED, @both));
    arrives(\@ALICE, 'other lines');

    raw(text('/copied/on', @FORGED, @both));
    arrives(\@ALICE, 'a line of that name');
    raw(text('/copied/off', @FORGED, @both));
    arrives([], 'a line of that name where there is nobody');

    raw(text('/param', @FORGED, @both));
    arrives(\@ALICE, 'a parameter of that name');
};

subtest 'no request headers' => sub {
    for my $kind (qw(http fastcgi)) {
        raw(text("/no-headers/$kind", @FORGED, @both));
        my $request = arrives([], $kind);
        is_deeply(found($request, $jwt, $session), [], "$kind: none at all");
    }
};


# ---- Not as headers -------------------------------------------------------

sub chunked {
    my ($path, $lines, @trailers) = @_;
    return join "\r\n", "POST $path HTTP/1.1", 'Host: gateway',
        'Transfer-Encoding: chunked', 'TE: trailers',
        'Trailer: X-Para-User-Id', @$lines, '', '4', 'body', '0', @trailers,
        '', '';
}

subtest 'trailers' => sub {
    my @trailers = map {"$_: forged"} @NAMES, 'x_para_user_id';

    for my $kind (@KINDS, 'unbuffered') {
        is(raw(chunked("/$kind/on", \@both, @trailers)), 200, "$kind: on");
        my $request = arrives(\@ALICE, "$kind, on") // next;
        is_deeply(found($request, $jwt, $session), [],
            "$kind: no credentials");

        raw(chunked("/$kind/off", [], @trailers));
        arrives([], "$kind, off");

        frames(h2_request([fields(@both)], path => "/$kind/on",
            body => 'body', trailers => [fields(@trailers)]));
        my @requests = $upstreams->requests;
        cmp_ok(scalar @requests, '<=', 1, "$kind, HTTP/2: requests");
        is_deeply([map { @{found($_, 'forged', $jwt, $session)} } @requests],
            [], "$kind, HTTP/2: nothing forged");
    }
};

# Each is a line of its own, or none.
my %LINES = (
    'obs-fold'             => "X-Keep: 1\r\n X-Para-User-Id: forged",
    'obs-fold of a name'   => "X-Para-\r\n User-Id: forged",
    'LF alone'             => "X-Keep: 1\nX-Para-User-Id: forged",
    'LF alone, first'      => "\nX-Para-User-Id: forged",
    'CR alone'             => "X-Keep: 1\rX-Para-User-Id: forged",
    'CR CR LF'             => "X-Keep: 1\r\r\nX-Para-User-Id: forged",
    'NUL in a value'       => "X-Keep: 1\0\r\nX-Para-User-Id: forged",
    'NUL in the name'      => "X-Para-User-Id\0: forged",
    'space in the name'    => 'X-Para-User Id: forged',
    'space before colon'   => 'X-Para-User-Id : forged',
    'TAB before colon'     => "X-Para-User-Id\t: forged",
    'space before it'      => ' X-Para-User-Id: forged',
    'no colon'             => 'X-Para-User-Id forged',
    'no name'              => ': forged',
    'no value'             => 'X-Para-User-Id:',
    'no space'             => 'X-Para-User-Id:forged',
    'many spaces'          => "X-Para-User-Id:   forged   ",
    'DEL in the name'      => "X-Para\x7fUser-Id: forged",
);

subtest 'lines of every kind' => sub {
    for my $name (sort keys %LINES) {
        for my $server (qw(strict lax)) {
            raw(text('/http/off', 'X-First: 1', $LINES{$name}, 'X-Last: 1'),
                $server);
            nothing_forged("$name, $server");
        }
    }
};

subtest 'older HTTP' => sub {
    my @lines = ('X-Para-User-Id: forged', 'x_para_user_id: forged');
    raw(join("\r\n", 'GET /http/off HTTP/1.0', @lines, '', ''));
    nothing_forged('HTTP/1.0');
    raw(join("\r\n", 'GET /http/off', @lines, '', ''));
    nothing_forged('HTTP/0.9');
    raw("GET /http/any\r\n");
    nothing_forged('HTTP/0.9, by address');
    raw("GET /http/on\r\n");
    is_deeply([$upstreams->requests], [], 'HTTP/0.9: not let in');
};


# ---- Frames ---------------------------------------------------------------

my %FIELDS = (
    'pseudo-field'        => h2_literal(':x-para-user-id', 'forged'),
    'upper case'          => h2_literal('X-Para-User-Id', 'forged'),
    'colon at the end'    => h2_literal('x-para-user-id:', 'forged'),
    'CRLF in the name'    => h2_literal("a\r\nx-para-user-id", 'forged'),
    'name and value'      => h2_literal('x-para-user-id: forged', ''),
    'CRLF in the value'   => h2_literal('a', "1\r\nx-para-user-id: forged"),
    'LF in the value'     => h2_literal('a', "1\nx-para-user-id: forged"),
    'CR in the value'     => h2_literal('a', "1\rx-para-user-id: forged"),
    'NUL in the value'    => h2_literal('a', "1\0x-para-user-id: forged"),
    'space in the name'   => h2_literal('x-para-user id', 'forged'),
    'TAB in the name'     => h2_literal("x-para-user-id\t", 'forged'),
    'DEL in the name'     => h2_literal("x-para\x7fuser-id", 'forged'),
    'no name'             => h2_literal('', 'forged'),
    'never indexed'       => h2_literal('x-para-user-id', 'forged', 0x10),
    'indexed, and again'  => h2_literal('x-para-user-id', 'forged', 0x40)
        . "\xbe\xbe",
    "Huffman's code"      => h2_huffman('x-para-user-id', 'forged')
        . h2_huffman("x_para.user~id", 'forged'),
    'Connection'          => h2_literal('connection', 'x-para-user-id')
        . h2_literal('x-para-user-id', 'forged'),
    ':path with a line'   => h2_literal(':path',
        "/http/off HTTP/1.1\r\nX-Para-User-Id: forged\r\nA: b"),
    ':authority with one' => h2_literal(':authority',
        "a\r\nX-Para-User-Id: forged"),
    'a field in the trailers of nothing' =>
        h2_literal('trailer', 'x-para-user-id'),
);

subtest 'fields of every kind' => sub {
    for my $name (sort keys %FIELDS) {
        frames(h2_request([], path => '/http/off', block => $FIELDS{$name}));
        nothing_forged($name);
        frames(h2_request([], path => '/grpc/off', block => $FIELDS{$name}));
        nothing_forged("$name, grpc");
    }

    # Alone, so that no other :path or :method is there before.
    for my $path ("/http/off HTTP/1.1\r\nX-Para-User-Id: forged\r\nA: b",
        '/http/off?a=b HTTP/1.1')
    {
        frames(h2_request([], path => $path));
        is_deeply([map { identity($_) } $upstreams->requests],
            [map { [] } $upstreams->requests], 'a path that is no path');
    }
    frames(h2_request([], path => '/http/off',
        method => "GET /http/off HTTP/1.1\r\nX-Para-User-Id: forged\r\nA: b"));
    nothing_forged('a method that is none');
};

subtest 'a block in pieces' => sub {
    my $block = join '', map { h2_literal(@$_) } [':method', 'GET'],
        [':scheme', 'http'], [':authority', 'gateway'],
        [':path', '/http/on'], @FORGED_FIELDS[0 .. 20], fields(@both);
    for my $size (1, 7, 64, 4096) {
        my $answer = frames(h2_headers($block, end => 1, size => $size));
        is($answer->{status}, 200, "$size bytes");
        arrives(\@ALICE, "$size bytes");
    }
};

# ---- Taken away, and got past ---------------------------------------------

subtest 'Connection' => sub {
    for my $list ('X-Para-User-Id', 'close, X-Para-User-Id',
        'Upgrade,x-para-user-id ,X-Para-Wallets', "\tx-para-roles\t,,")
    {
        for my $kind (@KINDS) {
            raw(text("/$kind/on", "Connection: $list", @both));
            arrives(\@ALICE, "$kind: $list");
        }

        # Where it is handed on, the next proxy would do what it says.
        for my $place (qw(on off)) {
            raw(text("/upgrade/$place", "Connection: $list", @both));
            my ($request) = $upstreams->requests;
            is_deeply(
                [   grep { $_->[0] eq 'Connection' && $_->[1] =~ /x-para/i }
                        @{$request->{headers}}
                ],
                [], "handed on, $place: $list"
            );
        }
    }

    raw(text('/upgrade/on', 'Connection: upgrade', 'Upgrade: websocket',
            @both));
    my $request = arrives(\@ALICE, 'WebSocket');
    is_deeply(
        [   grep { $_->[0] =~ /\A(?:connection|upgrade)\z/i }
                @{$request->{headers}}
        ],
        [['Upgrade', 'websocket'], ['Connection', 'upgrade']],
        'WebSocket: as it was'
    );
};

# RFC 7540 3.2: what follows would be the client's and the upstream's alone.
subtest 'h2c' => sub {
    for my $place (qw(on off)) {
        raw(text("/upgrade/$place", 'Connection: Upgrade, HTTP2-Settings',
                'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__',
                'http2_settings: AAMAAABk', @both));
        my ($request) = $upstreams->requests;
        is_deeply(
            [   grep { fold($_->[0]) eq 'http2-settings' }
                    @{$request->{headers}}
            ],
            [], "$place: no upstream is asked to speak HTTP/2"
        );
    }
};


# ---- Pages of errors ------------------------------------------------------

subtest 'the page of a refusal' => sub {
    for my $path ('/page', '/page-named') {
        is(raw(text($path, @FORGED, @KEPT)), 401, $path);
        arrives([], $path);
        is(raw(text($path, @FORGED, "Authorization: Bearer $jwt")),
            401, "$path, half");
        arrives([], "$path, half");

        is(frames(h2_request([@FORGED_FIELDS], path => $path))->{status},
            401, "$path, HTTP/2");
        arrives([], "$path, HTTP/2");
    }
};

# The status, if it is one in all versions; the first line, and the last ones.
my %WRONG = (
    'no Host'         => [400, 'GET / HTTP/1.1'],
    'two Hosts'       => [400, 'GET / HTTP/1.1', 'Host: a', 'Host: b'],
    'a bad Host'      => [400, 'GET / HTTP/1.1', 'Host: a/b'],
    'a bad line'      => [400, 'GET / HTTP/1.1', 'Host: a', "X\0: b"],
    'a bad length'    =>
        [400, 'GET / HTTP/1.1', 'Host: a', 'Content-Length: x'],
    'TRACE'           => [405, 'TRACE / HTTP/1.1', 'Host: a'],
    'CONNECT'         => [undef, 'CONNECT a:1 HTTP/1.1', 'Host: a:1'],
    'a large body'    =>
        [413, 'POST / HTTP/1.1', 'Host: a', 'Content-Length: 99', '', 'a' x 95],
    'a long URI'      => [undef, 'GET /' . 'a' x 40_000 . ' HTTP/1.1'],
    'a long header'   =>
        [400, 'GET / HTTP/1.1', 'Host: a', 'X: ' . 'a' x 40_000],
    'an odd encoding' =>
        [501, 'POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: x'],
    'an odd version'  => [undef, 'GET / HTTP/3.1', 'Host: a'],
    'length and chunks' => [
        400, 'POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked',
        'Content-Length: 5', '', '0', '', 'GET /page HTTP/1.1', 'Host: a',
        'X-Para-User-Id: forged'
    ],
);

subtest 'the page of an error of nginx\'s own' => sub {
    my $pages = 0;

    for my $name (sort keys %WRONG) {
        my ($status, $line, @lines) = @{$WRONG{$name}};
        my $bytes =
            join "\r\n", $line, @FORGED[0 .. 30], @both, @lines, '', '';
        for my $server (qw(errors named)) {
            my $got = raw($bytes, $server);
            is($got, $status, "$name, $server: $status") if defined $status;
            nothing_forged("$name, $server");
            $pages += () = $upstreams->requests;
        }
    }
    cmp_ok($pages, '>', 10, 'upstreams were asked for pages');
};

my $log = $nginx->error_log;
unlike($log, qr/\[(?:alert|emerg|crit)\]|exited on signal/,
    'nothing grave in the log');

done_testing();
