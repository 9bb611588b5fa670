#!/usr/bin/perl

# What an app behind the gateway gets to see: the identity, once, in the words
# of the gateway; nothing that looks like it; and no credential.  The requests
# are written byte by byte, and what arrived is compared in the app's spelling.

use strict;
use warnings;
use utf8;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaUpstreams;
use Test::More;

use JSON::PP ();

use constant MANY => 50;

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

my @DEFAULTS = qw(X-Para-User-Id X-Para-Internal-User-Id X-Para-Roles
    X-Para-Wallets X-Para-Identifier X-Para-Auth-Type);


# ---- The gateway ----------------------------------------------------------

my $upstreams = ParaUpstreams->start("$PARA_DIR/upstreams");
my $port      = free_ports();
my $lax_port  = $port + 1;
my $http2     = $port + 2;
my $verify    = verify_location();
my $leak      = join '|', map {"\$$_"}
    qw(http_authorization http_x_para_session http_x_capsule_session
    cookie_sid http_cookie);
my $locations = <<"CONF";
    para_auth app;
    proxy_http_version 1.1;

    location /              { proxy_pass $APP_URL; }
    location /jwt           { para_auth app jwt;     proxy_pass $APP_URL; }
    location /session       { para_auth app session; proxy_pass $APP_URL; }
    location /off           { para_auth off;         proxy_pass $APP_URL; }

    # to somewhere else, from inside
    location /rewritten     { rewrite ^ /off/rewritten last; }
    location /tried         { try_files /none \@tried; }
    location \@tried         { para_auth off; proxy_pass $APP_URL; }
    location /tried-on      { try_files /none \@tried_on; }
    location \@tried_on      { proxy_pass $APP_URL; }
    location /page          { error_page 401 = \@tried; proxy_pass $APP_URL; }
    location /page-off      { error_page 401 /off/page; proxy_pass $APP_URL; }
    location /page-on       { error_page 401 /page/on;  proxy_pass $APP_URL; }
    location /accel         { proxy_pass $APP_URL; }

    # what is sent
    location /custom {
        para_auth_header X-User "\$para_auth_user_id/\$para_auth_type";
        para_auth_header X-Fixed here;
        para_auth_header X-Absent \$para_auth_internal_user_id;
        proxy_pass $APP_URL;
        location /custom/inherited { proxy_pass $APP_URL; }
        location /custom/default {
            para_auth_header default;
            proxy_pass $APP_URL;
        }
        location /custom/both {
            para_auth_header X-User-2 \$para_auth_user_id;
            para_auth_header default;
            proxy_pass $APP_URL;
        }
        location /custom/none { para_auth_header off; proxy_pass $APP_URL; }
    }
    location /uri {
        para_auth_header X-Path \$uri;
        proxy_pass $APP_URL/uri;
    }
    location /tab { para_auth_header X-Tab "a\\tb"; proxy_pass $APP_URL; }
    location /own-lines {
        proxy_set_header Host app;
        proxy_set_header X-Copy \$http_x_para_user_id;
        proxy_set_header X-Leak "$leak";
        set \$http_x_flavour sweet;
        set \$cookie_flavour sour;
        proxy_set_header X-Flavour "\$http_x_flavour \$cookie_flavour";
        if (\$http_authorization = x)    { return 204; }
        if (\$http_x_para_session = x)   { return 204; }
        if (\$http_x_capsule_session = x)  { return 204; }
        if (\$http_x_para_user_id)       { return 204; }
        if (\$cookie_sid = x)            { return 204; }
        if (\$http_cookie = x)           { return 204; }
        proxy_pass $APP_URL;
    }

    # where from
    location /cookies {
        para_auth_token         bearer \$cookie_jwt;
        para_auth_session_token \$cookie_sid \$http_x_para_session;
        proxy_pass $APP_URL;
        location /cookies/jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /cookies/off { para_auth off;     proxy_pass $APP_URL; }
    }
    location /own-cookies {
        para_auth_token         \$cookie_jwt;
        para_auth_session_token \$cookie_sid;
        proxy_set_header X-Leak "\$cookie_jwt|\$cookie_sid|\$http_cookie";
        if (\$cookie_jwt = x)  { return 204; }
        if (\$http_cookie = x) { return 204; }
        proxy_pass $APP_URL;
    }
    location /x-token {
        para_auth_token \$http_x_jwt_token;
        para_auth_session_token \$http_x_my_session;
        proxy_pass $APP_URL;
    }

    # to whom
    location /uwsgi {
        include $PARA_DIR/params;
        uwsgi_pass 127.0.0.1:@{[$upstreams->port('uwsgi')]};
    }
    location /fastcgi {
        include $PARA_DIR/fparams;
        fastcgi_pass 127.0.0.1:@{[$upstreams->port('fastcgi')]};
    }
    location /fastcgi-off {
        para_auth off;
        include $PARA_DIR/fparams;
        fastcgi_pass 127.0.0.1:@{[$upstreams->port('fastcgi')]};
    }
$verify
CONF

put_file('params',  'uwsgi_param REQUEST_METHOD $request_method;');
put_file('fparams', 'fastcgi_param REQUEST_METHOD $request_method;');

my $nginx = start_nginx(
    port   => $port,
    server => $locations,
    http   => http_config(
        provider => own_issuer(),
        http     => <<"CONF"
    large_client_header_buffers 8 32k;
    server {
        listen 127.0.0.1:$lax_port;
        underscores_in_headers on;
        ignore_invalid_headers off;
$locations
    }
    server {
        listen 127.0.0.1:$http2 http2;
        underscores_in_headers on;
        ignore_invalid_headers off;
$locations
    }
    # a name that only another server sends is protected here too
    server {
        listen 127.0.0.1:@{[$port + 3]};
        para_auth_header X-Elsewhere \$para_auth_user_id;
        location / { para_auth app jwt; proxy_pass $APP_URL; }
    }
CONF
    ),
);

my $alice = login('alice');
my $bob   = login('bob');
my @both  = split /\n/, credentials($alice);
my $user  = $alice->{user};


# ---- Requests, and what became of them ------------------------------------

# Sends header lines (bytes) to a path.  Options: port, method.
sub request {
    my ($path, $lines, %options) = @_;

    reset_app();
    my $method = $options{method} // 'GET';
    my $answer = http_raw(
        join("\r\n", "$method $path HTTP/1.1", 'Host: gateway',
            'Connection: close', @$lines, '', ''),
        port => $options{port} // $port,
    );
    my ($status) = $answer =~ m{\AHTTP/1\.1 (\d+)};
    my ($body)   = $answer =~ /\r\n\r\n(.*)\z/s;

    return {status => $status, answer => $answer, body => $body};
}

sub fold {
    my ($name) = @_;
    return lc($name) =~ s/[^a-z0-9]/-/gr;
}

# The headers of the app's only request; undef if it has had none or several.
sub seen {
    my @calls = @{app_calls()};
    is(scalar @calls, 1, 'the app has one request') or return [];
    return $calls[0]{headers};
}

sub values_of {
    my ($headers, $name) = @_;
    return map { $_->[1] } grep { fold($_->[0]) eq fold($name) } @$headers;
}

# All headers that an app could take for ours, as "Name: value".
sub looks_like_ours {
    my ($headers, @names) = @_;
    my %ours = map { fold($_) => 1 } @DEFAULTS,
        qw(X-User X-User-2 X-Fixed X-Absent X-Path X-Tab X-Elsewhere), @names;
    return [sort map {"$_->[0]: $_->[1]"}
            grep { $ours{fold($_->[0])} } @$headers];
}

my $WALLETS = join ',', map {"$_->{type}:$_->{address}"} @{$user->{wallets}};

my @ALICE = (
    "X-Para-Auth-Type: $user->{authType}",
    "X-Para-Identifier: $user->{identifier}",
    "X-Para-User-Id: $user->{userId}",
    "X-Para-Wallets: $WALLETS",
);

sub nothing_upstream {
    my ($answer, $status, $name) = @_;
    subtest $name => sub {
        is($answer->{status}, $status, "status $status");
        is(app_count(), 0, 'nothing reaches the app');
    };
    return;
}


# ---- Look-alikes ----------------------------------------------------------

my @SPELLINGS = (
    sub { $_[0] },
    sub { lc $_[0] },
    sub { uc $_[0] },
    sub { $_[0] =~ s/([a-z])/\u$1/gr },
    sub { $_[0] =~ tr/-/_/r },
    sub { uc $_[0] =~ tr/-/_/r },
    sub { $_[0] =~ s/-/_/r },
    sub { $_[0] =~ tr/-/./r },
    sub { $_[0] =~ s/-/~/r },
    sub { $_[0] =~ tr/-/*/r },
    sub { $_[0] =~ s/-(\w+)\z/!$1/r },
    sub { $_[0] =~ s/-/\xff/r },
);

my @FORGED =
    map { my $name = $_; map { $_->($name) . ': forged' } @SPELLINGS }
    @DEFAULTS, qw(X-User X-User-2 X-Fixed X-Absent X-Path X-Elsewhere);

# One spelling of each name twice: not only the first of a kind goes.
push @FORGED, map {"$_: again"} @DEFAULTS;

my %WAYS = (
    'protected'              => ['/x',         \@both, \@ALICE],
    'the JWT alone'          => ['/jwt',       \@both, \@ALICE],
    'no layer'               => ['/off',       [],     []],
    'no layer, credentials'  => ['/off',       \@both, []],
    'a rewrite to no layer'  => ['/rewritten', \@both, []],
    'try_files, no layer'    => ['/tried',     \@both, []],
    'try_files, both layers' => ['/tried-on',  \@both, \@ALICE],
    'an error page'          => ['/page',      [],     []],
    'an error page by URI'   => ['/page-off',  [],     []],
    'headers of its own'     => [
        '/custom', \@both,
        ['X-Fixed: here', "X-User: $user->{userId}/email"]
    ],
    'inherited'     => [
        '/custom/inherited', \@both,
        ['X-Fixed: here', "X-User: $user->{userId}/email"]
    ],
    'default'        => ['/custom/default', \@both, \@ALICE],
    'default beside' => [
        '/custom/both', \@both,
        [@ALICE, "X-User-2: $user->{userId}"]
    ],
    'none' => ['/custom/none', \@both, []],
);

for my $name (sort keys %WAYS) {
    my ($path, $lines, $ours) = @{$WAYS{$name}};

    for my $server (['strict', $port], ['lax', $lax_port]) {
        subtest "look-alikes: $name, $server->[0] server" => sub {
            request($path, [@FORGED, @$lines], port => $server->[1]);
            is_deeply(looks_like_ours(my $headers = seen()), $ours,
                'only what is ours');
            is_deeply([grep { $_->[1] =~ /forged|again/ } @$headers], [],
                'no forged value under any name');

            # With the client's lines behind the credentials as well.
            request($path, [@$lines, reverse @FORGED], port => $server->[1]);
            is_deeply(looks_like_ours(seen()), $ours, 'in any order');
        };
    }
}

# A header that is not ours stays, whatever it looks like: the lax server
# passes everything else.
subtest 'neighbours' => sub {
    my @lines = ('X-Para-User: 1', 'X-Para-User-Id2: 2', 'XX-Para-User-Id: 3',
        'X-ParaUser-Id: 4', 'X-Para-User--Id: 5', 'X_Other: 6', 'X.Dot: 7');
    request('/x', [@lines, @both], port => $lax_port);
    my $headers = seen();
    for my $line (@lines) {
        my ($key, $value) = split /: /, $line;
        is_deeply([map { $_->[1] } grep { $_->[0] eq $key } @$headers],
            [$value], "$key is the client's own");
    }
};

subtest MANY . ' copies' => sub {
    request('/x', [@both, map {"X-Para-User-Id: forged-$_"} 1 .. MANY]);
    is_deeply(looks_like_ours(seen()), \@ALICE, 'only what is ours');
    request('/off', [map {("X-Para-User-Id: f$_", "X-Keep: $_")} 1 .. MANY]);
    my $headers = seen();
    is_deeply(looks_like_ours($headers), [], 'none where there is no layer');
    is_deeply([values_of($headers, 'X-Keep')], [1 .. MANY],
        'and the others are all there, in order');
};

nothing_upstream(request('/page-on', ['X-Para-User-Id: forged']),
    401, 'an error page that is protected is not served');

subtest 'Connection does not take ours away' => sub {
    for my $option ('X-Para-User-Id', 'close, X-Para-User-Id, X-Para-Wallets') {
        request('/x', ["Connection: $option", @both]);
        is_deeply(looks_like_ours(seen()), \@ALICE, $option);
    }
};

subtest 'folded values of a look-alike' => sub {
    my $answer =
        request('/off', ['X-Keep: 1', " \tX-Para-User-Id: forged"]);
    my @names = map { @{$_->{headers}} } @{app_calls()};
    is_deeply(looks_like_ours(\@names), [], "status $answer->{status}");
};


# ---- Fields that are absent -----------------------------------------------

subtest 'the session alone has no user id' => sub {
    request('/session', ['X-Para-User-Id: forged', 'X-Para-Wallets: forged',
            credentials($alice, 'session')]);
    is_deeply(looks_like_ours(seen()),
        ["X-Para-Auth-Type: email", "X-Para-Identifier: $user->{identifier}"],
        'only what Para said');
};

subtest 'claims that are absent, null or empty' => sub {
    for my $value (undef, \'null', '', []) {
        my %data = map { $_ => $value } qw(wallets identifier authType);
        $data{$_} = ref $value eq 'SCALAR' ? JSON::PP::null() : $value
            for keys %data;
        $data{identifier} = $data{authType} = '' if ref $value eq 'ARRAY';
        delete $data{wallets} if defined $value && !ref $value;
        my $jwt = para_jwt('alice',
            data => {%data, (exists $data{wallets} ? () : (wallets => []))});
        request('/jwt', ['X-Para-Identifier: forged', 'X-Para-Wallets: forged',
                'X-Para-Roles: forged', bearer($jwt)]);
        is_deeply(looks_like_ours(seen()),
            ["X-Para-User-Id: $user->{userId}"], 'no header at all');
    }
};

subtest 'no foreign token speaks for Para' => sub {
    request('/jwt', [bearer(own_jwt(claims => {
        para_user_id => undef,
        sub          => undef,
        data         => {userId => 'd-1', wallets => $user->{wallets},
            identifier => 'd@example.com', authType => 'phone'},
    }))]);
    is_deeply(looks_like_ours(seen()),
        [   'X-Para-Auth-Type: email',
            "X-Para-Identifier: $user->{identifier}",
            'X-Para-Internal-User-Id: u-alice',
            'X-Para-Roles: user',
        ],
        'nothing from "data"');
};


# ---- Values ---------------------------------------------------------------

# As claims of one's own; the JWT layer alone, so that only the value counts.
sub own {
    my (%claims) = @_;
    return request('/jwt', [bearer(own_jwt(claims => \%claims))]);
}

my @TEXTS = (
    ['plain',              'plain'],
    ['a b',                'a b'],
    ['50%',                '50%25'],
    ['%2C',                '%252C'],
    ['a,b',                'a,b',         'a%2Cb'],
    ['a;b="c"\\',          'a;b="c"\\'],
    [' edge',              '%20edge'],
    ['edge  ',             'edge%20%20'],
    ['   ',                '%20%20%20'],
    ['Zoë',                'Zo%C3%AB'],
    ['日本',               '%E6%97%A5%E6%9C%AC'],
    ["\x{1f600}",          '%F0%9F%98%80'],
    ["a\x{a0}b",           'a%C2%A0b'],
    ["\x{2027}\x{202a}",   '%E2%80%A7%E2%80%AA'],
    ["\x{ff0c}",           '%EF%BC%8C'],
);

for my $text (@TEXTS) {
    my ($claim, $encoded, $in_list) = @$text;

    subtest "value \"$claim\"" => sub {
        own(internal_user_id => $claim, roles => [$claim, 'user'],
            auth_identifier => $claim);
        my $headers = seen();
        is_deeply([values_of($headers, 'X-Para-Internal-User-Id')],
            [$encoded], 'a text');
        is_deeply([values_of($headers, 'X-Para-Identifier')],
            [$encoded], 'another');
        is_deeply([values_of($headers, 'X-Para-Roles')],
            [($in_list // $encoded) . ',user'], 'an item of a list');
    };
}

subtest 'roles' => sub {
    for my $case (
        [[qw(admin user)],    ['admin,user']],
        ['admin user',        ['admin user']],
        ['admin,user',        ['admin%2Cuser']],
        [['', 'user', ''],    ['user']],
        [[''],                []],
        )
    {
        own(roles => $case->[0]);
        is_deeply([values_of(seen(), 'X-Para-Roles')], $case->[1],
            ref $case->[0] ? "[@{$case->[0]}]" : "\"$case->[0]\"");
    }
};

subtest 'wallets' => sub {
    my $jwt = para_jwt('alice', data => {wallets => [
        {type => 'EVM',   address => '0x1,EVM:0x2'},
        {type => 'A:B,C', address => 'x'},
        {type => 'EVM',   address => undef},
        {type => 'EVM'},
        {type => 'EVM',   address => ''},
    ]});
    request('/jwt', [bearer($jwt)]);
    is_deeply([values_of(seen(), 'X-Para-Wallets')],
        ['EVM:0x1%2CEVM:0x2,A%3AB%2CC:x'], 'separators, and no address');
};

my %CONTROL = (
    CR  => "\r",     LF   => "\n",     NUL      => "\0",
    TAB => "\t",     DEL  => "\x7f",   CRLF     => "\r\nX-Evil: 1",
    ESC => "\e",     C1   => "\x{85}", CSI      => "\x{9b}",
    LS  => "\x{2028}", PS => "\x{2029}", 'U+0080' => "\x{80}",
);

for my $name (sort keys %CONTROL) {
    my $bad = "a$CONTROL{$name}b";

    subtest "$name in a claim" => sub {
        my %claims = (
            para_user_id     => $bad,
            internal_user_id => $bad,
            auth_identifier  => $bad,
            auth_method      => $bad,
            roles            => $bad,
        );
        for my $claim (sort keys %claims) {
            nothing_upstream(own($claim => $bad), 401, $claim);
        }
        nothing_upstream(own(roles => ['user', $bad]), 401, 'one of the roles');

        my %data = (
            identifier => $bad,
            authType   => $bad,
            wallets    => [{type => 'EVM', address => $bad}],
        );
        for my $claim (sort keys %data) {
            my $jwt = para_jwt('alice', data => {$claim => $data{$claim}});
            nothing_upstream(request('/jwt', [bearer($jwt)]), 401,
                "data.$claim");
        }
        my $type = para_jwt('alice',
            data => {wallets => [{type => $bad, address => '0x1'}]});
        nothing_upstream(request('/jwt', [bearer($type)]), 401,
            'the type of a wallet');
    };
}

subtest 'claims of the wrong type' => sub {
    for my $value (1, JSON::PP::true(), {}, [1], ['user', {}], [[]]) {
        nothing_upstream(own(roles => $value), 401, 'roles');
        nothing_upstream(own(internal_user_id => $value), 401, 'a text');
    }
    my $long = own(para_user_id => 'u' x 257);
    nothing_upstream($long, 401, 'a user id of 257 bytes');
    own(para_user_id => 'u' x 256);
    is_deeply([values_of(seen(), 'X-Para-User-Id')], ['u' x 256],
        'one of 256 is good');
};

subtest 'Para says something unsafe' => sub {
    my $session = login('bob');
    fault('/sessions/verify', 'crlf');
    nothing_upstream(request('/session', [credentials($session, 'session')]),
        503, 'refused, not repaired');
    reset_para();
};

subtest 'headers from variables' => sub {
    request('/uri/a', \@both);
    is_deeply([values_of(seen(), 'X-Path')], ['/uri/a'], 'a safe value');
    for my $escape ('%0d', '%0a', '%09', '%7f', '%c2%85', '%e2%80%a8') {
        nothing_upstream(request("/uri/a${escape}b", \@both), 400, $escape);
    }
    nothing_upstream(request('/tab', \@both), 400, 'a fixed value with a TAB');
};

subtest 'the operator\'s own lines' => sub {
    request('/own-lines', [@both, 'X-Capsule-Session: ' .
            $alice->{verificationToken}, 'Cookie: a=1']);
    my $headers = seen();
    is_deeply([values_of($headers, 'X-Copy')], [$user->{userId}],
        '$http_* has the identity');
    is_deeply([values_of($headers, 'X-Leak')], ['||||a=1'],
        'and no credential, though it was used before');
    is_deeply([values_of($headers, 'X-Flavour')], ['sweet sour'],
        'variables that are only named like a header are as they were set');
    is_deeply(looks_like_ours($headers), \@ALICE, 'all of ours are there');

    my $answer = request('/own-lines', ['X-Para-User-Id: forged', @both]);
    is($answer->{status}, 200, 'a forged one is never visible');
};


# ---- Credentials ----------------------------------------------------------

my ($jwt, $session) = ($alice->{jwt}, $alice->{verificationToken});

# That no byte of them is anywhere in what the app got.
sub no_credential {
    my ($headers, @secrets) = @_;
    my $all = join "\n", map {"$_->[0]: $_->[1]"} @$headers;
    my @found = grep { index($all, $_) >= 0 } @secrets;
    is_deeply(\@found, [], 'no credential');
    return;
}

my %SENT = (
    'the usual'         => ['/x', @both],
    'lower case'        => ['/x', "authorization: bearer $jwt",
        "x-para-session: $session"],
    'the older header'  => ['/x', bearer($jwt), "X-Capsule-Session: $session"],
    'both headers'      => ['/x', @both, "X-Capsule-Session: $session"],
    'the JWT alone'     => ['/jwt', @both],
    'the session alone' => ['/session', @both],
    'any session with the JWT alone' =>
        ['/jwt', @both, 'X-Para-Session: another'],
    'own headers' => ['/x-token', "X-Jwt-Token: $jwt",
        "X-My-Session: $session"],
    'own headers in another spelling' => ['/x-token', "x_jwt-token: $jwt",
        "X_MY_SESSION: $session"],
    'a look-alike of the header' => ['/x', bearer($jwt),
        "X_Para_Session: $session"],
    'after try_files' => ['/tried-on', @both],
);

for my $name (sort keys %SENT) {
    my ($path, @lines) = @{$SENT{$name}};
    subtest "removed: $name" => sub {
        request($path, \@lines, port => $lax_port);
        my $headers = seen();
        no_credential($headers, $jwt, $session, 'another');
        my $names = qr/\A(?:authorization|x-(?:para|capsule)-session)\z/;
        is_deeply([grep {$_ =~ $names} map { fold($_->[0]) } @$headers], [],
            'nor an empty header');
    };
}

my @COOKIES = (
    ["jwt=$jwt; sid=$session",                []],
    ["sid=$session; jwt=$jwt; a=1",           ['a=1']],
    ["a=1; jwt=$jwt; sid=$session",           ['a=1']],
    ["a=1; jwt=$jwt; b=2; sid=$session; c=3", ['a=1; b=2; c=3']],
    ["jwt=$jwt;a=1;sid=$session;b=2",         ['a=1; b=2']],
    ["a=1;; jwt=$jwt ;sid = $session; b=",    ['a=1; b=']],
    ["a=1; JWT=$jwt; Sid=$session",           ['a=1']],
    ["ajwt=1; jwt=$jwt; jwta=2; sid=$session; sid2=x; s",
        ['ajwt=1; jwta=2; sid2=x; s']],
    [["jwt=$jwt; a=1", "b=2; sid=$session"],  ['a=1', 'b=2']],
    [["jwt=$jwt", 'a=1', "sid=$session"],     ['a=1']],
    [["a=1", "jwt=$jwt", "sid=$session", "b=2=3"], ['a=1', 'b=2=3']],
    [["jwt=$jwt", "sid=$session"],            []],
    ["a=\"x; jwt=$jwt; sid=$session",         ['a="x']],
);

for my $case (@COOKIES) {
    my ($sent, $left) = @$case;
    my @sent = ref $sent ? @$sent : $sent;

    (my $name = join ' | ', @sent) =~ s/\Q$jwt\E/JWT/;
    $name =~ s/\Q$session\E/SID/;

    subtest "cookies: $name" => sub {
        my $answer = request('/cookies', [map {"Cookie: $_"} @sent]);
        is($answer->{status}, 200, 'they let it in');
        my $headers = seen();
        is_deeply([values_of($headers, 'Cookie')], $left, 'what is left');
        no_credential($headers, $jwt, $session);
        is_deeply(looks_like_ours($headers), \@ALICE, 'and the identity');
    };
}

subtest 'cookies in variables' => sub {
    for my $sent (
        ["a=1; jwt=$jwt; sid=$session; b=2"],
        ["jwt=$jwt; a=1", "sid=$session", 'b=2'],
        )
    {
        request('/own-cookies', [map {"Cookie: $_"} @$sent]);
        is_deeply([values_of(seen(), 'X-Leak')], ['||a=1; b=2'],
            'no credential, though it was used before');
    }
    request('/own-cookies', ["Cookie: sid=$session; jwt=$jwt"]);
    is_deeply([values_of(seen(), 'X-Leak')], ['||'], 'nothing else sent');
};

subtest 'cookies: one layer named, both removed' => sub {
    request('/cookies/jwt', ["Cookie: sid=$session; a=1; jwt=$jwt"]);
    is_deeply([values_of(seen(), 'Cookie')], ['a=1'], 'what is left');
};

subtest 'kept: where there is no layer' => sub {
    my @lines = (@both, "X-Capsule-Session: $session",
        "Cookie: jwt=$jwt; sid=$session; a=1");
    for my $path ('/off', '/cookies/off', '/rewritten', '/tried', '/page') {
        request($path, $path eq '/page' ? [$lines[1]] : \@lines);
        my $headers = seen();
        is_deeply([values_of($headers, 'X-Para-Session')], [$session],
            "$path: session");
        next if $path eq '/page';
        is_deeply([values_of($headers, 'Authorization')], ["Bearer $jwt"],
            "$path: JWT");
        is_deeply([values_of($headers, 'Cookie')],
            ["jwt=$jwt; sid=$session; a=1"], "$path: cookies");
    }
};

subtest 'kept: what is not ours' => sub {
    my $answer = request('/cookies', ['Authorization: Basic YTpi',
            "Cookie: jwt=$jwt; sid=$session"]);
    is($answer->{status}, 200, 'Basic is no credential of ours');
    is_deeply([values_of(seen(), 'Authorization')], ['Basic YTpi'],
        'and the app\'s to see');
    request('/own-cookies', ['Authorization: Bearer app',
            "Cookie: jwt=$jwt; sid=$session"]);
    is_deeply([values_of(seen(), 'Authorization')], ['Bearer app'],
        'a bearer token where none is looked for');
    request('/x', [@both, 'Cookie: a=1; b', 'Cookie: c=3', 'Accept: x']);
    my $headers = seen();
    is_deeply([values_of($headers, 'Cookie')], ['a=1; b', 'c=3'], 'cookies');
    is_deeply([values_of($headers, 'Accept')], ['x'], 'other headers');
};


# ---- HTTP/2 ---------------------------------------------------------------

sub run_client {
    my (@command) = @_;
    reset_app();
    open my $out, '-|', @command or return;
    local $/;
    my $text = <$out>;
    close $out or return;
    return $text;
}

SKIP: {
    my $url = "http://127.0.0.1:$http2";
    skip 'curl without HTTP/2', 1 if `curl --version` !~ /\bHTTP2\b/;

    my $curl = sub {
        my ($path, @lines) = @_;
        return run_client('curl', '-sS', '--http2-prior-knowledge', '-o',
            '/dev/null', '-w', '%{http_version} %{http_code}',
            (map { ('-H', $_) } @lines), "$url$path");
    };
    my @forged = grep { !/[\xff]/ } @FORGED;

    for my $name (sort keys %WAYS) {
        my ($path, $lines, $ours) = @{$WAYS{$name}};
        subtest "HTTP/2: $name" => sub {
            like($curl->($path, @forged, @$lines), qr/\A2 /, 'HTTP/2 it is');
            is_deeply(looks_like_ours(my $headers = seen()), $ours,
                'only what is ours');
            no_credential($headers, $jwt, $session) if @$ours;
        };
    }

    subtest 'HTTP/2: cookies' => sub {
        $curl->('/cookies', "Cookie: a=1; jwt=$jwt; b=2; sid=$session");
        my $headers = seen();
        is_deeply([values_of($headers, 'Cookie')], ['a=1; b=2'], 'the rest');
        no_credential($headers, $jwt, $session);
    };
}

SKIP: {
    skip 'no nghttp', 1 if !grep { -x "$_/nghttp" } split /:/, $ENV{PATH};

    # RFC 9113 8.2.3: a field for each cookie
    subtest 'HTTP/2: cookies in fields of their own' => sub {
        run_client('nghttp', '-H', 'cookie: a=1', '-H', "cookie: jwt=$jwt",
            '-H', 'cookie: b=2', '-H', "cookie: sid=$session",
            "http://127.0.0.1:$http2/cookies");
        my $headers = seen();
        is_deeply([values_of($headers, 'Cookie')], ['a=1; b=2'], 'the rest');
        no_credential($headers, $jwt, $session);
        is_deeply(looks_like_ours($headers), \@ALICE, 'and the identity');
    };
}


# ---- FastCGI and uwsgi ----------------------------------------------------

my %PARAMS = map { (uc "HTTP_$_") =~ tr/-/_/r => 1 } @DEFAULTS;

for my $protocol (qw(fastcgi uwsgi)) {
    for my $server ($port, $lax_port) {
        subtest "$protocol at $server" => sub {
            my $answer = request("/$protocol", [@FORGED, @both],
                port => $server);
            is($answer->{status}, 200, 'an answer');

            my @params = split /\n/, $answer->{body};
            is_deeply(
                [sort grep {/\A([^=]+)=/ && $PARAMS{$1}} @params],
                [   "HTTP_X_PARA_AUTH_TYPE=$user->{authType}",
                    "HTTP_X_PARA_IDENTIFIER=$user->{identifier}",
                    "HTTP_X_PARA_USER_ID=$user->{userId}",
                    "HTTP_X_PARA_WALLETS=$WALLETS",
                ],
                'the identity, once'
            );
            is_deeply([grep {/forged|again/} @params], [], 'nothing forged');
            is_deeply([grep {/\Q$jwt\E|\Q$session\E|\AHTTP_AUTHORIZATION=/}
                        @params], [], 'no credential');
        };
    }
}

subtest 'fastcgi where there is no layer' => sub {
    my $answer =
        request('/fastcgi-off', [@FORGED, @both], port => $lax_port);
    like($answer->{body}, qr/^HTTP_AUTHORIZATION=Bearer /m, 'credentials');
    unlike($answer->{body}, qr/forged|again/, 'nothing forged');
};


# ---- The log --------------------------------------------------------------

my $log = $nginx->error_log;
unlike($log, qr/\Q$_->[1]\E/, "the log has no $_->[0]")
    for ['JWT', $jwt], ['session', $session];
unlike($log, qr/\[(?:alert|emerg|crit)\]/, 'nothing grave in the log');

done_testing();
