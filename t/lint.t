#!/usr/bin/perl

# What "nginx -t" warns of, with the line that is to blame, and what it does
# not; and that nginx reads directives as it does without us.
#
# In a configuration "# here" ends each line that is warned of; "here" is how
# many there are in files that it includes.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use Test::More;

use File::Copy qw(copy);

my $ROOT    = "$FindBin::Bin/..";
my $VERIFY  = verify_location();
my $TOUCH   = touch_location();
my $PASS    = "proxy_pass $APP_URL;";
my $CACHE   = "proxy_cache_path $PARA_DIR/c keys_zone=c:1m;\n"
    . "fastcgi_cache_path $PARA_DIR/f keys_zone=f:1m;";
my $ROOM    = 'large_client_header_buffers 4 32k;';

put_file('htpasswd', "op:{PLAIN}open sesame\n");
my $BASIC = "auth_basic_user_file $PARA_DIR/htpasswd;";


# ---- Checks ---------------------------------------------------------------

# Each warning as the text of the line that it names, and the rest of it.
sub warnings_of {
    my ($output) = @_;

    return map {
        m{para_auth: "(\w+)" in (\S+):(\d+) (.*)}
            ? {directive => $1, text => $4, line => line_of($2, $3)}
            : {directive => '', text => $_, line => ''}
    } grep {/\[warn\]/} split /\n/, $output;
}

sub line_of {
    my ($path, $number) = @_;
    open my $in, '<', $path or return '';
    my @lines = <$in>;
    return $lines[$number - 1] // '';
}

# Accepted, with one warning for each "# here", and none for other lines.
sub warned {
    my ($name, $text, %parts) = @_;

    my $http = http_config(
        provider => $parts{provider},
        http     => $parts{http},
        api      => $parts{api},
    );
    my $server = ($parts{server} // 'para_auth app;') . "\n"
        . ($parts{ways} // $VERIFY);

    my ($good, $output) = check_nginx(http => $http, server => $server);
    my @found    = warnings_of($output);
    my $expected = () = "$http$server" =~ /# here$/gm;
    $expected += $parts{here} // 0;

    subtest $name => sub {
        ok($good, 'nginx -t succeeds') or diag($output);
        is(scalar @found, $expected, 'how many warnings') or diag($output);

        for my $warning (@found) {
            like($warning->{line}, qr/# here$/, 'the line');
            like($warning->{line}, qr/\b\Q$warning->{directive}\E\b/,
                'the directive');
            like($warning->{text}, $text, 'the text');
        }
    };
    return;
}

sub silent {
    my ($name, %parts) = @_;
    return warned("nothing: $name", qr/\A\z/, %parts);
}

# In a location of a protected server.
sub in_location {
    my (@lines) = @_;
    return join "\n", 'para_auth app;', 'location /a {', @lines, '}';
}


# ---- return, rewrite ------------------------------------------------------

my $ANSWERS = qr/answers everybody, since it runs before .*"para_auth off;"/;

for my $line (
    'return 200 "user $para_auth_user_id";', 'return 204;',
    'return 302 /elsewhere;',                'return 301 https://a.example/;',
    'return https://a.example/x;',           'return 200;',
    'rewrite ^ /b redirect;',                'rewrite ^/a /b permanent;',
    'rewrite ^ https://a.example/;',         'rewrite ^ $scheme://a.example/;',
    'rewrite ^ http://a.example/ last;',
    )
{
    warned("$line", $ANSWERS, server => in_location("$line # here"));
    warned("in an if: $line",
        $ANSWERS,
        server => in_location('if ($arg_x) {', "$line # here", '}', $PASS));
    silent("where para_auth is off: $line",
        server => in_location('para_auth off;', $line));
    silent("where it is not: $line",
        server => "location /p { para_auth app; }\nlocation /a { $line }");
    silent("in a named location: $line",
        server => "para_auth app;\nlocation \@n { $line }");
}

for my $line (
    'return 403;', 'return 404 "no";', 'return 444;', 'return 503;',
    'rewrite ^/a/(.*)$ /b/$1 last;', 'rewrite ^ /b;', 'rewrite ^ /b break;',
    'return 301 https://$host$request_uri;',
    'return 308 $scheme://a.example$request_uri;',
    'rewrite ^(.*)$ https://$host$1 permanent;',
    )
{
    silent("what gives nothing away: $line", server => in_location($line));
    silent("the same of the server: $line",
        server => "para_auth app;\n$line\nlocation / { }");
}

silent('internal', server => in_location('internal; return 200 x;'));
silent('preflight', server => in_location(
    'if ($request_method = OPTIONS) { return 204; }', $PASS));
silent('preflight of the server', server =>
    "para_auth app;\nif (\$request_method = 'OPTIONS') { return 200; }");
warned('preflight with a text', $ANSWERS, server => in_location(
    'if ($request_method = OPTIONS) {', 'return 200 x; # here', '}'));
warned('behind a preflight', $ANSWERS, server => in_location(
    'if ($request_method = OPTIONS) { return 204; }', 'return 204; # here'));
warned('another method', $ANSWERS, server => in_location(
    'if ($request_method = GET) {', 'return 204; # here', '}'));
warned('OPTIONS of something else', $ANSWERS, server => in_location(
    'if ($arg_x = OPTIONS) {', 'return 204; # here', '}'));

warned('of the server', $ANSWERS,
    server => "para_auth app;\nreturn 200 x; # here\nlocation / { $PASS }");
warned('of the server, of a protected location', $ANSWERS,
    server => "rewrite ^ /x redirect; # here\n"
        . "location / { para_auth app; $PASS }");
warned('of the server, in an if', $ANSWERS,
    server => "para_auth app;\nif (\$arg_x) {\nreturn 200 x; # here\n}");
silent('of a server that inherits and has nothing else',
    http   => 'para_auth app;',
    server => 'return 301 https://www.example/;');
warned('of a server that inherits and has more', $ANSWERS,
    http   => 'para_auth app;',
    server => "if (\$arg_x) {\nreturn 200 x; # here\n}\nlocation / { $PASS }");
silent('of another server',
    http   => 'server { listen 127.0.0.1:1; return 200 x; }',
    server => "para_auth app;\nlocation / { $PASS }");
warned('nested', $ANSWERS, server => "para_auth app;\nlocation /a {\n"
        . "location /a/b {\nreturn 200 x; # here\n}\n}");
silent('beside', server => "location /a {\nreturn 200 x;\n"
        . "location /a/b { para_auth app; $PASS }\n}");
warned('limit_except', $ANSWERS, server => "location /a {\n"
        . "limit_except GET { para_auth app; }\nreturn 200 x; # here\n}");


# ---- Identity headers -----------------------------------------------------

my $REPLACED = qr/takes the place of an identity header: remove it/;

my %header = (
    proxy   => ['proxy_set_header X-Para-User-Id', "proxy_pass $APP_URL;"],
    grpc    => ['grpc_set_header x_para_roles',    'grpc_pass 127.0.0.1:1;'],
    fastcgi => ['fastcgi_param HTTP_X_PARA_ROLES', 'fastcgi_pass 127.0.0.1:1;'],
    uwsgi   => ['uwsgi_param HTTP_X_PARA_WALLETS', 'uwsgi_pass 127.0.0.1:1;'],
    scgi    => ['scgi_param HTTP_X_PARA_AUTH_TYPE', 'scgi_pass 127.0.0.1:1;'],
);

for my $kind (sort keys %header) {
    my ($set, $pass) = @{$header{$kind}};

    warned("$kind, $_", $REPLACED,
        server => in_location("$set $_; # here", $pass))
        for '""', 'x', '$arg_user', '$http_x_user';
    warned("$kind, from above", $REPLACED, http => "$set x; # here",
        server => in_location($pass) . "\nlocation /b { $pass }");
    warned("$kind, in an if", $REPLACED,
        server => in_location("$set x; # here", 'if ($arg_x) { set $y 1; }',
            $pass));
    silent("$kind, not what counts", http => "$set x;",
        server => in_location($set =~ s/ .*/ X-Other x;/r, $pass));
    silent("$kind, the same in other words", server => in_location(
        "$set \$para_auth_user_id;", $pass));
    silent("$kind, passed on", server => in_location(
        "$set \$http_x_para_user_id;", $pass));
    silent("$kind, by a map",
        http => 'map $para_auth_user_id $who { volatile; default x; }',
        server => in_location("$set \${who};", $pass));
    silent("$kind, where para_auth is off",
        server => in_location('para_auth off;', "$set x;", $pass));
    silent("$kind, where nothing is passed to it",
        server => in_location("$set x;", 'root html;'));
    silent("$kind, another header", server => in_location(
        $set =~ s/X[-_]PARA\w*.*|x_para.*/X_OTHER/ir . ' x;', $pass));
    silent("$kind, no header of ours is sent", server => in_location(
        'para_auth_header off;', "$set x;", $pass));
}
silent('a parameter that is no header', server => in_location(
    'fastcgi_param X_PARA_USER_ID x;', 'fastcgi_pass 127.0.0.1:1;'));
warned('a header of one\'s own', $REPLACED, server => in_location(
    'para_auth_header X-User $para_auth_user_id;',
    'proxy_set_header x-user x; # here', $PASS));


system('openssl', 'genpkey', '-algorithm', 'ed25519', '-out',
    put_file('sign.pem', '', oct '0400')) == 0
    or die 'openssl';
warned('an assertion alone', $REPLACED, server => in_location(
    'para_auth_header off;',
    "para_auth_assertion key=$PARA_DIR/sign.pem audience=a;",
    'proxy_set_header X-Para-Assertion ""; # here', $PASS));

for my $kind (qw(proxy fastcgi uwsgi scgi)) {
    my ($set, $pass) = @{$header{$kind}};
    my $off = "${kind}_pass_request_headers off;";

    warned("$off", qr/keeps the identity headers from the application/,
        server => in_location("$off # here", $pass));
    warned("$off of http", qr/keeps the identity headers from the application/,
        http => "$off # here", server => in_location($pass));
    silent("$off, and on", http => $off, server => in_location(
        "${kind}_pass_request_headers on;", $pass));
    silent("$off, told otherwise", server => in_location($off,
        $set =~ s/ .*/ WHO "\$para_auth_user_id";/r, $pass));
    silent("$off where para_auth is off", server => in_location(
        'para_auth off;', $off, $pass));
}


# ---- Caches ---------------------------------------------------------------

my $GIVES = qr/gives one user's answer to all: write a key with \$para_auth_u/;
my $FASTCGI = 'fastcgi_pass 127.0.0.1:1;';

warned('proxy_cache', $GIVES, http => $CACHE,
    server => in_location('proxy_cache c; # here', $PASS));
warned('fastcgi_cache', $GIVES, http => $CACHE, server => in_location(
    'fastcgi_cache f; # here', 'fastcgi_cache_key $uri;', $FASTCGI));
warned('proxy_cache of http, once', $GIVES,
    http   => "$CACHE\nproxy_cache c; # here",
    server => in_location($PASS) . " location /b { $PASS }");
warned('proxy_cache, a user who is told elsewhere', $GIVES,
    http   => "$CACHE\nlog_format u \$para_auth_user_id;",
    server => in_location('proxy_cache c; # here', $PASS));
warned('in a file that is included twice', $GIVES, http => $CACHE,
    server => in_location('include '
        . put_file('cached.conf', "proxy_cache c; # here\n") . ';', $PASS)
        . "location /b { include $PARA_DIR/cached.conf; $PASS }", here => 1);
silent('proxy_cache by user', http => $CACHE, server => in_location(
    'proxy_cache c;', 'proxy_cache_key "$uri ${para_auth_user_id}";', $PASS));
silent('proxy_cache by a key from above',
    http   => "$CACHE\nproxy_cache_key \$para_auth_identifier\$uri;",
    server => in_location('proxy_cache c;', $PASS));
silent('proxy_cache by a map',
    http => "$CACHE\nmap \$para_auth_roles \$tier { volatile; x y; }",
    server => in_location('proxy_cache c;', 'proxy_cache_key $tier$uri;',
        $PASS));
warned('proxy_cache by another variable', $GIVES,
    http => "$CACHE\nmap \$para_auth_roles \$tier { volatile; x y; }\n"
        . 'map $uri $tiers { x y; }',
    server => in_location('proxy_cache c; # here',
        'proxy_cache_key $tiers$uri;', $PASS));
silent('proxy_cache off', http => "$CACHE\nproxy_cache c;",
    server => in_location('proxy_cache off;', $PASS));
silent('proxy_cache where nobody is', http => $CACHE,
    server => in_location('para_auth off;', 'proxy_cache c;', $PASS));


# ---- Maps -----------------------------------------------------------------

my $VOLATILE = qr/keeps for the whole request .*: write "volatile;" in it/;

warned('map', $VOLATILE,
    http => "map \$para_auth_roles \$a { # here\n default x; }");
warned('map, in a text', $VOLATILE,
    http => "map \"x\${para_auth_user_id}\" \$A { # here\n default x; }");
warned('map over a map', $VOLATILE,
    http => "map \$para_auth_roles \$a { volatile; default x; }\n"
        . "map \$a:x \$b { # here\n default x; }");
warned('map over a claim', $VOLATILE,
    http => "map \$org \$a { # here\n default x; }\n"
        . 'para_auth_claim_set $org organization.id;');
silent('map, volatile',
    http => 'map $para_auth_roles $a { default x; volatile; }');
silent('map, of others', http => 'map $http_x $a { default x; }'
        . 'map $ab $ac { default x; } map $a $ab { default x; }');


# ---- Who may ask ----------------------------------------------------------

my $SAME = qr/and para_auth want the same header, so nobody can pass/;

warned('auth_basic', $SAME,
    server => in_location('auth_basic x; # here', $BASIC, $PASS));
warned('auth_basic of the server', $SAME,
    server => "para_auth app;\nauth_basic x; # here\n$BASIC\n"
        . 'location = /_para_auth/x { auth_basic off; }');
silent('auth_basic, any', server => in_location('satisfy any;',
    'auth_basic x;', $BASIC));
silent('auth_basic, off', http => "auth_basic x; $BASIC",
    server => "auth_basic off;\npara_auth app;");
silent('auth_basic, perhaps',
    server => in_location('auth_basic $arg_x;', $BASIC));
silent('auth_basic, JWT elsewhere', server => in_location(
    'auth_basic x;', $BASIC, 'para_auth_token $http_x_jwt;'));
silent('auth_basic, JWT also elsewhere', server => in_location(
    'auth_basic x;', $BASIC, 'para_auth_token bearer $cookie_jwt;'));
silent('auth_basic, session alone', server => in_location(
    'auth_basic x;', $BASIC, 'para_auth app session;'));
silent('auth_basic, para_auth off', server => in_location(
    'auth_basic x;', $BASIC, 'para_auth off;'));

my $CLOSED = qr/leads to a location that para_auth protects, .* gets 403/;

warned('auth_request', $CLOSED, server => "para_auth app;\n"
        . "location / {\nauth_request /who; # here\n$PASS }\n"
        . "location = /who { internal; $PASS }");
warned('auth_request of the server', $CLOSED, server => "para_auth app;\n"
        . "auth_request /who; # here\nlocation = /who { $PASS }\n");
warned('auth_request of http', $CLOSED, http => 'auth_request /who; # here',
    server => "para_auth app;\nlocation = /who { $PASS }\n");
silent('auth_request, open', server => "para_auth app;\n"
        . "auth_request /who;\nlocation = /who { para_auth off; $PASS }\n");
silent('auth_request, off', server => "para_auth app;\n"
        . "auth_request off;\nlocation = /who { $PASS }\n");
silent('auth_request in another server',
    http => 'server { listen 127.0.0.1:1; auth_request /who; }',
    server => "para_auth app;\nlocation = /who { $PASS }\n");
for my $directive (qw(mirror add_before_body add_after_body)) {
    warned($directive, $CLOSED, server => "para_auth app;\n"
            . "location / {\npara_auth off;\n$directive /p; # here\n$PASS }\n"
            . "location /p { $PASS }");
    silent("$directive by who was let in", server => "para_auth app;\n"
            . "location / { $directive /p; $PASS }\nlocation /p { $PASS }");
}

my $OPEN = qr/seems to be open to everybody, who could lock all users out/;
my $LOGGED_IN = qr/seems to be open to any logged-in user, who could lock/;

sub revoke {
    my (@lines) = @_;
    return (
        provider => "state_path $PARA_DIR/state;",
        server   => join "\n", 'location = /revoke {', @lines,
        'para_auth_revoke app; # here', '}',
    );
}

sub guarded {
    my %parts = revoke(@_);
    $parts{server} =~ s/ # here//;
    return %parts;
}

mkdir "$PARA_DIR/state", oct '0700';
warned('revoke', $OPEN, revoke());
warned('revoke, open', $OPEN, revoke('allow all;'));
warned('revoke, opened', $OPEN, revoke('allow all;'), http => 'deny all;');
warned('revoke, off', $OPEN, revoke('auth_basic off;', 'auth_request off;'));
warned('revoke, users', $LOGGED_IN, revoke('para_auth app;'));
warned('revoke, users or operators', $LOGGED_IN,
    revoke('para_auth app;', 'satisfy any;', 'allow 127.0.0.1;', 'deny all;'));
silent("revoke, $_", guarded($_))
    for 'deny all;', 'internal;', "auth_basic x; $BASIC", 'auth_request /x;',
    'para_auth app; deny all;';
silent('revoke, guarded above', guarded(), http => 'deny all;');


# ---- Values ---------------------------------------------------------------

my $UNBOUND = qr/takes a JWT and a session that nothing shows to be one user's/;

warned("match $_", $UNBOUND,
    server => "para_auth app;\npara_auth_match $_; # here\nlocation /a { }")
    for qw(present off);
warned('match of http', $UNBOUND, http => 'para_auth_match off; # here');
silent('match strict', http => 'para_auth_match off;',
    server => "para_auth app;\npara_auth_match strict;");
silent('match off, one layer', server => 'para_auth app jwt;
    para_auth_match off;');

my $LONG = qr/keeps Para's word on a session for longer than a JWT can count/;
my $OWN  = own_issuer(more => 'max_age 10m;');

warned('valid and max_age', $LONG, provider => $OWN,
    server => "para_auth app;\npara_auth_session_cache valid=11m; # here");
warned('valid from above', $LONG, provider => $OWN,
    server => "para_auth_session_cache valid=11m; # here\n"
        . 'location / { para_auth app; para_auth_session_cache stale=1s; }');
silent('valid within max_age', provider => $OWN,
    server => "para_auth app;\npara_auth_session_cache valid=10m;");
silent('valid, sessions alone', provider => $OWN,
    server => "para_auth app session;\npara_auth_session_cache valid=1h;");
silent('valid, keys of a file',
    server => "para_auth app;\npara_auth_session_cache valid=1d;");

sub remote {
    my ($lines) = @_;
    return "issuer backend {\njwks_uri http://127.0.0.1:1/k;\n"
        . "audience a;\n$lines\n}\npara_issuer on;";
}

warned('valid and the keys\' life', $LONG, provider => remote(''),
    server => "para_auth app;\npara_auth_session_cache valid=25h; # here");
warned('valid and the keys\' life, shorter', $LONG,
    provider => remote('jwks_max_stale 1h;'),
    server => "para_auth app;\npara_auth_session_cache valid=61m; # here");
silent('valid within the keys\' life', provider => remote(''),
    server => "para_auth app;\npara_auth_session_cache valid=24h;");

my $EXPORTED = qr/takes exported sessions, headers of up to 16 KB .* 4 32k;"/;
my $NO_ROOM  = qr/has no room for exported sessions, .*header_buffers 4 32k;"/;
my $NO_JWT   = qr/has no room for a JWT of 4 KB and a session: write .*4 8k;"/;
my $PUBLIC   = "public_key $PARA_PUBLIC_KEY;";

warned('buffers, exported', $EXPORTED, provider => $PUBLIC,
    server => "para_auth app; # here\nlocation / { $PASS }",
    ways   => $VERIFY . $TOUCH);
warned('buffers, exported, 16k', $NO_ROOM, provider => $PUBLIC,
    server => "para_auth app;\nlarge_client_header_buffers 4 16k; # here",
    ways   => $VERIFY . $TOUCH);
warned('buffers, exported, of http', $NO_ROOM, provider => $PUBLIC,
    http   => 'large_client_header_buffers 8 8k; # here',
    ways   => $VERIFY . $TOUCH);
silent('buffers, exported', provider => $PUBLIC,
    server => "para_auth app;\n$ROOM", ways => $VERIFY . $TOUCH);
silent('buffers, one for all', provider => $PUBLIC,
    server => "para_auth app;\nlarge_client_header_buffers 1 32k;",
    ways   => $VERIFY . $TOUCH);
silent('buffers, tokens alone', provider => $PUBLIC,
    server => "para_auth app;\npara_auth_session_type token;",
    ways   => $VERIFY . $TOUCH);
warned('buffers, JWT', $NO_JWT,
    server => "para_auth app jwt;\nlarge_client_header_buffers 4 2k; # here");
silent('buffers, JWT', server => "para_auth app;\n"
        . 'large_client_header_buffers 4 4k;');
warned('buffers, all of them', $NO_JWT, server => "para_auth app;\n"
        . 'large_client_header_buffers 1 4k; # here');
warned('buffers, cookies', $NO_JWT, server => "para_auth app;\n"
        . "para_auth_token \$cookie_a;\npara_auth_session_token \$cookie_b;\n"
        . 'large_client_header_buffers 4 4k; # here');
silent('buffers, para_auth off', server => "location / { }\n"
        . 'large_client_header_buffers 4 1k;');

sub secret {
    my ($text, $here) = @_;
    my $file = put_file('a.key', $text, oct '0400');
    return "issuer backend {\nhmac_key_file $file;$here\niss a;\n}\n"
        . 'para_issuer on;';
}

warned('a secret of words', qr/is a secret made of words: make one with/,
    provider => secret('a-string-secret-at-least-256-bits-long', ' # here'));
silent('a secret', provider => secret('4f1d0b9ce2a85d7763a0e1b24c98f5d6', ''));


# ---- What is good ---------------------------------------------------------

silent('a gateway as they are', provider => "$PUBLIC\n" . own_issuer(),
    http => <<"HTTP", server => <<"SERVER", ways => $VERIFY . $TOUCH);
    map \$http_upgrade \$connection_upgrade { default upgrade; '' close; }
    map \$para_auth_roles \$is_admin { volatile; default 0; ~admin 1; }
    limit_req_zone \$binary_remote_addr zone=r:1m rate=10r/s;
    proxy_set_header Host \$host;
    proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
    $CACHE
    upstream app { server 127.0.0.1:1; keepalive 8; }
    server { listen 127.0.0.1:1; return 301 https://\$host\$request_uri; }
    server { listen 127.0.0.1:2; server_name old; return 301 https://new/; }
HTTP
    para_auth app;
    if (\$host = www.example) { return 301 https://example\$request_uri; }
    $ROOM
    error_page 401 = \@login;
    error_page 502 504 /50x.html;
    location / { limit_req zone=r; proxy_pass http://app; }
    location \@login { return 302 https://login.example.com/; }
    location = /50x.html { internal; root html; }
    location = /health { para_auth off; return 200 "well\\n"; }
    location = /robots.txt { para_auth off; return 200 ""; }
    location /static/ { para_auth off; proxy_cache c; proxy_pass http://app; }
    location /api/ {
        if (\$request_method = OPTIONS) { return 204; }
        if (\$http_user_agent ~ bot) { return 403; }
        proxy_cache c;
        proxy_cache_key "\$request_method \$uri \$para_auth_user_id";
        proxy_pass http://app;
    }
    location /ws/ {
        proxy_http_version 1.1;
        proxy_set_header Upgrade \$http_upgrade;
        proxy_set_header Connection \$connection_upgrade;
        proxy_set_header X-User \$para_auth_user_id;
        proxy_pass http://app;
    }
    location ~ \\.php\$ {
        fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
        fastcgi_param HTTP_PROXY "";
        fastcgi_pass 127.0.0.1:1;
    }
    location /reports/ {
        auth_request /_quota;
        mirror /_mirror;
        proxy_pass http://app;
    }
    location = /_quota { internal; para_auth off; proxy_pass http://app; }
    location = /_mirror { internal; proxy_pass http://app; }
    location ~ /\\. { return 404; }
    location = /metrics {
        para_auth off; allow 127.0.0.1; deny all; para_auth_metrics;
    }
SERVER


# The demo's, of which the lines that every nginx of a test has are left out.
{
    open my $in, '<', "$ROOT/demo/nginx.conf.in" or die "demo: $!";
    my ($http) = do { local $/; <$in> } =~ /^http \{\n(.*)^\}/ms;

    my %word = (
        DIR        => $PARA_DIR,
        PARA_URL   => $PARA_URL,
        APP_URL    => $APP_URL,
        AUDIENCE   => $PARA_AUDIENCE,
        PUBLIC_KEY => $PARA_PUBLIC_KEY,
        PORT       => free_ports(),
    );
    $http =~ s{include \@ROOT\@/conf-examples/(\S+);}{shipped($1)}ge;
    $http =~ s/\@(\w+)\@/$word{$1}/g;
    $http =~ s/^ *(?:access_log|\w+_temp_path) .*\n//gm;

    my ($good, $output) = check_nginx(http => $http,
        server => 'server_name other;');
    ok($good, 'the demo: good') or diag($output);
    is(scalar warnings_of($output), 0, 'the demo: nothing') or diag($output);
}


# ---- Read as ever ---------------------------------------------------------

# A directive that its module refuses is refused in the same words, in a file
# with the module and in one without it.
{
    my @bad = (
        'return;', 'return 99999;', 'return x;', 'location /a { rewrite ( x; }',
        'rewrite a b c d;', 'rewrite ^ /a sideways;', 'if ($x', 'if (x) { }',
        'if ($arg_x ~ "(") { }', 'map $a b { }', 'proxy_pass http://a;',
        'location / { proxy_pass http://127.0.0.1; proxy_pass http://b; }',
        'location / { proxy_pass ftp://a; }', 'proxy_set_header X;',
        'proxy_pass_request_headers maybe;', 'proxy_cache nowhere;',
        'proxy_pass_request_headers on; proxy_pass_request_headers on;',
        'auth_basic;', 'allow nobody;', 'mirror;', 'auth_request a b;',
        'large_client_header_buffers 4;', 'location / { return 200 $nobody; }',
        'large_client_header_buffers 4 8q;', 'fastcgi_param X;',
        'location / { if ($arg_a) { return 200; } return 200', 'deny 1/99;',
        'location / { limit_except GET { return 200; } }',
        'location / { if ($arg_a) { if ($arg_b) { return 200; } } }',
    );
    my %said;
    for my $with (1, 0) {
        local $ENV{TEST_NGINX_LOAD_MODULES} =
            $with ? $ENV{TEST_NGINX_LOAD_MODULES} : '';
        for my $line (@bad) {
            my ($good, $output) =
                check_nginx(http => ' ', server => $line);
            $said{$line}[$with] = ($good ? 'good' : 'bad') . ' '
                . ($output =~ s/nginx-\d+//gr);
        }
    }
    is($said{$_}[1], $said{$_}[0], "in the same words: $_") for @bad;
}

# Other modules' directives of the same names are theirs; after any
# configuration, good or bad, with the module or without, the tables of all
# modules are as they were.
SKIP: {
    my $module = $ENV{TEST_NGINX_LOAD_MODULES};
    my $other  = other_module('same_names')
        // skip 'needs the nginx that the module is built for', 1;

    my $conf = sub {
        my (%parts) = @_;
        return (
            main => "load_module $other;\n"
                . ($parts{main}
                    // 'same_names { return a; proxy_pass b; }'),
            http => http_config(http => $parts{http} // "return x;\n"
                    . 'upstream u { server 127.0.0.1:1;'
                    . 'proxy_set_header x; }'),
            server => 'para_auth app; location /a { '
                . ($parts{location} // 'return 200 ok;') . "}\n$VERIFY",
        );
    };

    my ($good, $output) = check_nginx($conf->());
    ok($good, 'same names: good') or diag($output);
    is(scalar(() = $output =~ /same_names: own /g), 4, 'same names: all own');
    is(scalar warnings_of($output), 1, 'same names: only nginx\'s own noted');
    unlike($output, qr/changed/, 'same names: tables as they were');

    for my $case (
        [main     => 'same_names { return refuse; }'],
        [http     => 'return refuse;'],
        [location => 'return refuse;'],
        )
    {
        ($good, $output) = check_nginx($conf->(@$case));
        ok(!$good, "same names, refused: $case->[0]");
        like($output, $case->[0] eq 'location' ? qr/invalid return code "refu/
            : qr/"return" directive is refused by its own module in \S+:\d+/,
            "same names, refused, in its words: $case->[0]");
    }

    # reloads
    my $nginx = start_nginx($conf->());
    my $file  = $nginx->{file};
    copy($file, "$file.good") or die "$file: $!";
    my $text = do { local (@ARGV, $/) = "$file.good"; <> };

    my %text = (
        good   => $text,
        broken => $text =~ s/return 200 ok;/return refuse;/r,
        late   => $text =~ s/listen \S+;/listen 192.0.2.1:1;/r,
        twice  => $text =~ s/(para_auth_zone \S+;)/$1 $1/r,
    );

    # all that is ours out
    ($text{without} = $text) =~ s/^load_module \Q$module\E;\n//m;
    $text{without} =~ s/^\s*para_auth_zone.*?(?=^return x;)//ms;
    $text{without} =~ s/para_auth app; location/location/;
    $text{without} =~ s/\Q$VERIFY\E//;

    my $reload = sub {
        my ($kind, $said) = @_;
        open my $out, '>', $file or die "$file: $!";
        print {$out} $text{$kind};
        close $out or die "$file: $!";

        my $before = length $nginx->error_log;
        $nginx->reload;
        my $ended = wait_until(15, sub {
            substr($nginx->error_log, $before) =~ $said;
        });
        return $ended;
    };

    my $started = qr/start worker process/;
    my $failed  = qr/\[emerg\]/;
    my @order = (
        (map { (['good', $started], ['broken', $failed]) } 1 .. 8),
        ['twice', $failed], ['late', $failed], ['without', $started],
        ['without', $started], ['good', $started], ['broken', $failed],
        ['good', $started],
    );
    my $wrong = grep { !$reload->(@$_) } @order;

    is($wrong, 0, scalar(@order) . ' reloads, good ones and bad ones');
    my $start = do {
        open my $in, '<', "$nginx->{dir}/logs/start.log" or die $!;
        local $/;
        <$in>;
    };
    unlike($start . $nginx->error_log, qr/same_names: changed/,
        'reloads: tables as they were');
    like(http_raw("GET /a HTTP/1.0\r\n\r\n", port => $nginx->{port}),
        qr/ok\z/, 'reloads: nginx\'s own directive works');
    ok($nginx->is_running, 'reloads: nginx runs');
    unlike($nginx->error_log, qr/\[alert\]|exited on signal/,
        'reloads: nothing broke');
}

done_testing();
