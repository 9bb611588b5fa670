#!/usr/bin/perl

# Roles and requirements: who has what is needed beside a good name, however it
# was found out who he is, and what of the configuration cannot work.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use constant {
    VERIFY  => '/sessions/verify',
    SLOW    => 500,                  # ms
    TRIES   => 200,
    WORKERS => 2,
};

my $h2 = free_ports() + 2;

my $MAPS = <<'CONF';
    map $para_auth_roles $is_editor {
        volatile;
        "~(^|,)editor(,|$)"  1;
    }
    map $para_auth_roles $is_reader {
        "~(^|,)reader(,|$)"  yes;
        default              0;
    }
    map $para_auth_user_id $is_anybody {
        volatile;
        ""       "";
        default  1;
    }
    map $para_auth_user_id $is_nobody {
        volatile;
        ""       1;
        default  0;
    }
    map $arg_a $from_argument { default $arg_a; }
    log_format who '$request_uri=$para_auth_user_id/$is_anybody';
CONF

my $SERVER = <<"CONF";
        listen 127.0.0.1:$h2 http2;
        para_auth app jwt;
        add_header X-Cache \$para_auth_cache always;
        add_header X-Status \$para_auth_status always;
        add_header X-Worker \$pid always;
        location / { proxy_pass $APP_URL; }

        location /admin {
            para_auth_require_role admin;
            proxy_pass $APP_URL;

            location /admin/in { proxy_pass $APP_URL; }
            location /admin/less {
                para_auth_require_role user;
                proxy_pass $APP_URL;
            }
            location /admin/both-layers {
                para_auth app;
                proxy_pass $APP_URL;
            }
        }
        location /any {
            para_auth_require_role admin editor reader;
            proxy_pass $APP_URL;
        }
        location /all {
            para_auth_require_role admin editor;
            para_auth_require_role reader;
            proxy_pass $APP_URL;
        }
        location /odd {
            para_auth_require_role 'a,b' '50%' ' edge ' '%2C' a-\$
                '\xc3\xa9t\xc3\xa9';
            proxy_pass $APP_URL;
        }
        location /session {
            para_auth app;
            para_auth_require_role admin;
            proxy_pass $APP_URL;
        }
        location /limited {
            proxy_pass $APP_URL;
            limit_except GET {
                para_auth_require_role admin;
                proxy_pass $APP_URL;
            }
        }

        location /ok {
            para_auth_require \$arg_a;
            proxy_pass $APP_URL;

            location /ok/in { proxy_pass $APP_URL; }
            location /ok/less {
                para_auth_require \$arg_b;
                proxy_pass $APP_URL;
            }
        }
        location /several {
            para_auth_require \$arg_a \$arg_b;
            proxy_pass $APP_URL;
        }
        location /each {
            para_auth_require \$arg_a error=401;
            para_auth_require \$arg_b error=403;
            proxy_pass $APP_URL;
        }
        location /login {
            para_auth_require error=401 \$is_editor;
            proxy_pass $APP_URL;
        }
        location /map {
            para_auth_require \$from_argument;
            proxy_pass $APP_URL;
        }
        location /editor {
            para_auth_require \$is_editor;
            proxy_pass $APP_URL;
        }
        location /reader {
            para_auth_require \$is_reader;
            proxy_pass $APP_URL;
        }
        location /early {
            set \$early "\$is_editor\$is_anybody";
            para_auth_require \$is_editor;
            proxy_pass $APP_URL;
        }
        location /anybody {
            para_auth app;
            para_auth_require \$is_anybody;
            proxy_pass $APP_URL;
        }
        location /nobody {
            para_auth_require \$is_nobody;
            proxy_pass $APP_URL;
        }
        location /field {
            para_auth_require \$para_auth_user_id;
            proxy_pass $APP_URL;
        }
        location /wallet {
            para_auth app;
            para_auth_require_role admin;
            para_auth_require \$arg_a;
            para_auth_require_wallet type=EVM;
            proxy_pass $APP_URL;
        }

        location /told {
            para_auth_require \$para_auth_user_id \$is_anybody \$arg_a;
            access_log $PARA_DIR/who.log who;
            proxy_pass $APP_URL;
        }
        location /own-wallet {
            para_auth app;
            para_auth_require_wallet type=EVM \$para_auth_wallet_evm;
            proxy_pass $APP_URL;
        }

        location /page {
            error_page 403 = /sorry;
            para_auth_require_role admin;
            proxy_pass $APP_URL;
        }
        location = /sorry {
            para_auth off;
            add_header X-Identity "\$para_auth_user_id\$para_auth_roles";
            try_files /none =404;
        }
        location /again {
            error_page 404 = /admin;
            root /nowhere;
        }
        location /named {
            try_files /none \@named;
        }
        location \@named {
            para_auth_require_role admin;
            proxy_pass $APP_URL;
        }
        location /rewritten {
            rewrite ^ /admin last;
        }
        location /ssi {
            ssi on;
            ssi_types *;
            root $PARA_DIR/www;
        }
CONF

# Options: server, provider, and those of start_nginx().
sub options {
    my (%options) = @_;

    my $server = delete $options{server} // $SERVER;

    $options{http} //= http_config(
        provider => delete $options{provider} // own_issuer(),
        http     => $MAPS,
    );
    delete $options{provider};

    return (%options, server => "$server\n" . verify_location());
}

sub gateway { return start_nginx(options(@_)) }

# A user of the operator's own backend, with a session of his.
sub user {
    my ($name, @roles) = @_;
    my $login = login($name);
    $login->{jwt} =
        own_jwt(user => $name, claims => {roles => @roles ? \@roles : undef});
    return $login;
}

sub ask {
    my ($nginx, $login, $path, %options) = @_;
    return get($nginx->{port}, $path, credentials($login), %options);
}

sub is_in {
    my ($answer, $login, $name) = @_;
    is($answer->{status}, 200, "$name: let in");
    is($answer->{json}{para}{'X-Para-User-Id'},
        $login->{userId}, "$name: as who he is");
    return;
}

my %STATUS = (
    role_missing      => 403,
    requirement_unmet => 403,
    wallet_missing    => 403,
    requirement_login => 401,
    token_invalid     => 401,
    token_missing     => 401,
);

sub is_refused {
    my ($answer, $code, $name) = @_;
    is($answer->{status}, $STATUS{$code}, "$name: $STATUS{$code}");
    is($answer->{header}{'x-status'}, $code, "$name: $code");
    return;
}

# Each three times: the second one's identity comes from the cache.
sub always {
    my ($nginx, $login, $path, $code, $name, %options) = @_;

    for my $time (qw(first again still)) {
        my $answer = ask($nginx, $login, $path, %options);
        if ($code eq 'ok') { is_in($answer, $login, "$name, $time") }
        else               { is_refused($answer, $code, "$name, $time") }
    }

    return;
}

mkdir "$PARA_DIR/www";
mkdir "$PARA_DIR/www/ssi";
for my $path (qw(admin ok nobody editor)) {
    put_file("www/ssi/$path.html", "<!--# include virtual=\"/$path?a=1\" -->");
    put_file("www/ssi/no-$path.html", "<!--# include virtual=\"/$path\" -->");
}

my $main  = gateway();
my $admin = user('alice', qw(user admin));
my $other = user('bob',   qw(user administrator));
my $none  = user('carol');


# ---- Roles ----------------------------------------------------------------

for my $case (
    [$admin, '/admin',    'ok',           'the role'],
    [$other, '/admin',    'role_missing', 'a role that begins so'],
    [$none,  '/admin',    'role_missing', 'no roles'],
    [$admin, '/admin/in', 'ok',           'inherited'],
    [$other, '/admin/in', 'role_missing', 'inherited, another role'],
    [$other, '/admin/less', 'ok',         'replaced'],
    [$none,  '/admin/less', 'role_missing', 'replaced, no roles'],
    [$admin, '/any',      'ok',           'any: the first'],
    [user('alice', 'reader'), '/any', 'ok', 'any: the last'],
    [$other, '/any',      'role_missing', 'any: none'],
    [user('alice', qw(reader admin)),  '/all', 'ok', 'all'],
    [user('alice', qw(editor reader)), '/all', 'ok', 'all, otherwise'],
    [user('alice', qw(admin editor)),  '/all', 'role_missing', 'half of them'],
    [user('alice', qw(reader)),        '/all', 'role_missing', 'other half'],
    )
{
    my ($login, $path, $code, $name) = @$case;
    always($main, $login, $path, $code, $name);
}

# To the byte; a list in a role is none.
for my $roles (
    ['Admin'], ['ADMIN'], ['admin '], [' admin'], ['admi'], ['admin,user'],
    ['user,admin'], ['"admin"'], ['admin%'], ["\x{e4}dmin"], ['super admin'],
    [''],
    )
{
    always($main, user('alice', @$roles), '/admin', 'role_missing',
        'roles ' . join '|', map {s/[^ -~]/?/r} @$roles);
}

# One string is one role.
{
    my $login = login('alice');
    $login->{jwt} = own_jwt(claims => {roles => 'admin'});
    always($main, $login, '/admin', 'ok', 'a string');
    $login->{jwt} = own_jwt(claims => {roles => 'user,admin'});
    always($main, $login, '/admin', 'role_missing', 'a string with a comma');
}

# Names that a list has encoded.
{
    my @names = ('a,b', '50%', ' edge ', '%2C', "\x{e9}t\x{e9}", 'a-$');
    my @not = ('a', 'b', 'a%2Cb', '50', '50%25', 'edge', ',', '%252C', 'ete',
        'a-', '%C3%A9t%C3%A9');
    always($main, user('alice', 'x', $names[$_]), '/odd', 'ok',
        "odd name $_")
        for 0 .. $#names;
    always($main, user('alice', 'x', $_), '/odd', 'role_missing',
        "no odd name: $_")
        for @not;
}

# Roles that nobody has signed, and those of another's.
{
    my $forged = {%$admin, jwt => tamper($other->{jwt}, roles => ['admin'])};
    always($main, $forged, '/admin', 'token_invalid', 'forged');
    is_refused(get($main->{port}, '/admin', ''), 'token_missing', 'nobody');

    my $answer = get($main->{port}, '/admin',
        credentials($other) . "\nX-Para-Roles: admin\nX_Para_Roles: admin");
    is_refused($answer, 'role_missing', 'a header');
    like($answer->{header}{'www-authenticate'},
        qr/error="insufficient_scope"/, 'the challenge');
    unlike($answer->{body}, qr/\Q$other->{userId}\E/, 'no identity in it');
    like($main->error_log, qr/code role_missing, reason role_missing/,
        'the log');
}

# With a session, and by Para's own JWT, which has no roles.
always($main, $admin, '/session', 'ok', 'both layers');
always($main, $other, '/session', 'role_missing', 'both layers, another role');
always($main, $admin, '/admin/both-layers', 'ok', 'inherited there');
always($main, login('alice'), '/session', 'role_missing', 'Para\'s own JWT');

for my $method (qw(HEAD POST PUT DELETE OPTIONS)) {
    my @body = $method eq 'POST' ? (body => 'x' x 70_000) : ();
    is(ask($main, $admin, '/admin', method => $method, @body)->{status},
        200, "$method: let in");
    is_refused(ask($main, $other, '/admin', method => $method, @body),
        'role_missing', $method);
}

is(ask($main, $other, '/limited')->{status}, 200, 'limit_except: GET');
is_refused(ask($main, $other, '/limited', method => 'POST'),
    'role_missing', 'limit_except: POST');
is(ask($main, $admin, '/limited', method => 'POST')->{status},
    200, 'limit_except: POST, the role');


# ---- Requirements ---------------------------------------------------------

always($main, $none, "/ok?a=$_", 'ok', "\"$_\"")
    for '1', '00', '0.0', '-', 'no', 'off', '%20', '0x', 'falsey', 'False';
always($main, $none, $_->[0], 'requirement_unmet', $_->[1])
    for ['/ok?a=', 'empty'], ['/ok?a=0', '"0"'], ['/ok', 'absent'],
    ['/ok?a=false', '"false"'],
    ['/ok?A', 'without a value'], ['/ok?b=1', 'another'];

for my $case (
    ['/ok/in?a=1',        'ok',                'inherited'],
    ['/ok/in?a=0',        'requirement_unmet', 'inherited, "0"'],
    ['/ok/less?b=1',      'ok',                'replaced'],
    ['/ok/less?a=1',      'requirement_unmet', 'replaced, the old one'],
    ['/several?a=1&b=1',  'ok',                'several'],
    ['/several?a=1',      'requirement_unmet', 'several, the first'],
    ['/several?b=1',      'requirement_unmet', 'several, the last'],
    ['/each?a=1&b=1',     'ok',                'two directives'],
    ['/each?b=1',         'requirement_login', 'the first has 401'],
    ['/each?a=1',         'requirement_unmet', 'the second has 403'],
    ['/each',             'requirement_login', 'the first decides'],
    ['/map?a=1',          'ok',                'a map'],
    ['/map?a=0',          'requirement_unmet', 'a map, "0"'],
    ['/anybody',          'ok',                'who is known'],
    ['/nobody',           'requirement_unmet', 'who is not known'],
    ['/field',            'ok',                'a field itself'],
    )
{
    my ($path, $code, $name) = @$case;
    always($main, $none, $path, $code, $name);
}

# What a map makes of the identity, volatile or not looked at before.
my $editor = user('alice', qw(user editor));
my $reader = user('bob',   qw(user reader));

for my $case (
    [$editor, '/editor', 'ok'], [$reader, '/editor', 'requirement_unmet'],
    [$reader, '/reader', 'ok'], [$editor, '/reader', 'requirement_unmet'],
    [$editor, '/early', 'ok'],  [$reader, '/early', 'requirement_unmet'],
    [$editor, '/login', 'ok'],  [$reader, '/login', 'requirement_login'],
    [$none, '/editor', 'requirement_unmet'],
    )
{
    my ($login, $path, $code) = @$case;
    always($main, $login, $path, $code, "$path of $login->{user}{name}");
}

{
    my $answer = ask($main, $reader, '/login');
    like($answer->{header}{'www-authenticate'},
        qr/error="invalid_token"/, 'error=401: the challenge');
    $answer = ask($main, $reader, '/editor');
    like($answer->{header}{'www-authenticate'},
        qr/error="insufficient_scope"/, 'error=403: the challenge');
}

# What is needed of wallets may be said in terms of the identity as well.
always($main, login('alice'), '/own-wallet', 'ok', 'the own wallet');
always($main, login('dave'), '/own-wallet', 'wallet_missing', 'no own wallet');

# Who is refused is nobody, in a log as well, which takes what was there.
for my $case (['/told?a=1', "$none->{userId}/1"], ['/told?a=0', '-/']) {
    my ($path, $who) = @$case;
    ask($main, $none, $path);
    my $log = '';
    wait_until(5, sub {
        open my $in, '<', "$PARA_DIR/who.log" or return 0;
        $log = do { local $/; <$in> } // '';
        return $log =~ /\Q$path\E/;
    });
    like($log, qr/^\Q$path=$who\E$/m, "the log of $path");
}

# Nothing is looked at before it is known who it is.
is_refused(get($main->{port}, '/nobody', ''), 'token_missing',
    'nobody at all');
is_refused(
    get($main->{port}, '/nobody', bearer(tamper($none->{jwt}))),
    'token_invalid', 'nobody, forged');

# One after the other: what costs a call comes last.
{
    my $nobody = login('dave');
    $nobody->{jwt} = own_jwt(user => 'dave', claims => {roles => ['admin']});
    is_refused(ask($main, $other, '/wallet?a=1'), 'role_missing',
        'role first');
    is_refused(ask($main, $nobody, '/wallet?a=0'),
        'requirement_unmet', 'then the requirement');
    is_refused(ask($main, $nobody, '/wallet?a=1'),
        'wallet_missing', 'then the wallet');
}


# ---- Wherever a request gets ----------------------------------------------

{
    my $answer = ask($main, $other, '/page');
    is($answer->{status}, 404, 'error_page');
    is($answer->{header}{'x-identity'}, undef, 'error_page: no identity');
    is_in(ask($main, $admin, '/page'), $admin, 'no error_page');
}

for my $path (
    qw(/again /named /rewritten /?_header=X-Accel-Redirect:%20/admin))
{
    always($main, $admin, $path, 'ok', "by $path");
    always($main, $other, $path, 'role_missing', "by $path");
}

for my $case (
    ['admin',  'admin',  1], ['admin',    'user', 0],
    ['ok',     'user',   1], ['no-ok',    'user', 0],
    ['editor', 'editor', 1], ['editor',   'user', 0],
    ['nobody', 'user',   0], ['no-admin', 'admin', 1],
    )
{
    my ($page, $role, $good) = @$case;
    my $login = user('alice', $role);
    for my $time (qw(cold warm)) {
        my $answer = ask($main, $login, "/ssi/$page.html");
        is($answer->{status}, 200, "subrequest $page, $time");
        $good
            ? like($answer->{body}, qr/X-Para-User-Id/, 'let in')
            : unlike($answer->{body}, qr/X-Para-User-Id/, 'refused');
    }
}
like($main->error_log,
    qr/subrequest "\/admin" refused, reason role_missing/,
    'subrequest, role: the log');
like($main->error_log,
    qr/subrequest "\/ok" refused, reason requirement_unmet/,
    'subrequest, requirement: the log');


# ---- HTTP/2, other workers, one after the other ---------------------------

sub h2_status {
    my ($path, $login) = @_;
    my $answer = curl_h2($h2, $path, credentials($login));
    return "$answer->{status} $answer->{version}";
}

$main->stop;
my $two = gateway(workers => WORKERS);

is(h2_status('/admin', $admin),         '200 2', 'HTTP/2: the role');
is(h2_status('/admin', $other),         '403 2', 'HTTP/2: another role');
is(h2_status('/editor', $editor),       '200 2', 'HTTP/2: a requirement');
is(h2_status('/login', $reader),        '401 2', 'HTTP/2: not met');

# Identities that one worker has stored, in both.
{
    my %seen;
    for (1 .. TRIES) {
        my $in  = ask($two, $admin, '/admin');
        my $out = ask($two, $other, '/admin');
        my $bad = ask($two, $reader, '/editor');
        $seen{$in->{header}{'x-worker'}}{$in->{status}}++;
        $seen{$out->{header}{'x-worker'}}{$out->{status}}++;
        $seen{$bad->{header}{'x-worker'}}{$bad->{status}}++;
        last if keys %seen == WORKERS && $_ > 20;
    }
    is(scalar keys %seen, WORKERS, 'all workers');
    is_deeply([sort keys %{$seen{$_}}], [200, 403], 'each decides the same')
        for keys %seen;
}

# Kept connections, and users by turns.
{
    my $socket = connect_to($two->{port});
    for my $turn (1 .. 10) {
        for my $case ([$admin, 200], [$other, 403], [$none, 403]) {
            my ($login, $status) = @$case;
            my $answer = exchange($socket,
                request_text('/admin', headers => credentials($login)));
            is($answer->{status}, $status, "turn $turn");
        }
    }
}

# While Para is asked for the session nothing is decided, then all is.
{
    reset_para();
    fault(VERIFY, 'slow', delay_ms => SLOW, times => 1);
    my ($in, $out) = burst($two->{port}, [map {
        request_text('/session', headers => credentials($_), close => 1)
    } user('alice', 'admin'), user('bob', 'user')]);
    is_in($in, $admin, 'after a wait');
    is_refused($out, 'role_missing', 'after a wait');
}
is_healthy($two, 'all of this');


# ---- nginx -t -------------------------------------------------------------

sub checks {
    my ($name, $good, $pattern, %options) = @_;

    nginx_says($name, $good, $pattern,
        delete $options{bare} ? %options : options(%options));
    return;
}

my $OK   = qr/syntax is ok/;
my $OPEN = 'location / { return 200; }';

checks('all of it', 1, $OK);
checks("the role \"$_->[0]\"", 0,
    qr/no user can have the role .* write the name of one, without control/s,
    server => "para_auth app; para_auth_require_role admin '$_->[1]'; $OPEN")
    for ['', ''], ['\n', "a\nb"], ['DEL', "\x7f"], ['NUL-free C1', "\xc2\x85"];
checks('a role twice', 0, qr/names the role "b" twice: remove one.*:\d+$/m,
    server => "para_auth app; para_auth_require_role a b b; $OPEN");
checks('a role in two directives', 1, $OK,
    server => 'para_auth app; para_auth_require_role a b; '
        . "para_auth_require_role a c; $OPEN");
checks('no role', 0, qr/invalid number of arguments/,
    server => "para_auth app; para_auth_require_role; $OPEN");

for my $need ('para_auth_require_role a', 'para_auth_require $arg_a') {
    my ($name) = split ' ', $need;
    checks("$name without para_auth", 0,
        qr/\b$name in \S+:\d+ protects nothing: there is no "para_auth"/,
        server => "$need; $OPEN");
    checks("$name where para_auth is off", 0, qr/protects nothing/,
        server => "para_auth app; location / { para_auth off; $need; "
            . 'return 200; }');
    checks("$name without any provider", 0, qr/protects nothing/,
        bare => 1, http => '', server => "$need; $OPEN");
    checks("$name above para_auth", 1, $OK,
        server => "$need; location / { para_auth app; return 200; }");
}

checks('a role of sessions alone', 0,
    qr/lets nobody in where \S+ in \S+:\d+ checks sessions .* "para_auth app;"/,
    server => "para_auth app session; para_auth_require_role a; $OPEN");
checks('an inherited role of sessions alone', 0, qr/lets nobody in where/,
    server => 'para_auth app; para_auth_require_role a; location / '
        . '{ para_auth app session; return 200; }');
checks('a role of Para\'s own JWTs', 0,
    qr/lets nobody in: provider "app" takes only Para's own JWTs/,
    provider => '',
    server => "para_auth app; para_auth_require_role a; $OPEN");

checks("the requirement \"$_\"", 0, qr/invalid parameter "\Q$_\E", it is a/,
    server => "para_auth app; para_auth_require '$_'; $OPEN")
    for '', 'ok', '$', '$arg_a$arg_b', '${arg_a}', '1', 'on', 'Error=401';
checks('an unknown variable', 0, qr/unknown "nothing" variable/,
    server => "para_auth app; para_auth_require \$nothing; $OPEN");
checks("error=$_", 0, qr/refuses with "error=401" or "error=403"/,
    server => "para_auth app; para_auth_require \$arg_a error=$_; $OPEN")
    for '', '400', '404', '500', '4010', '401,403';
checks('two errors', 0, qr/has two "error="/,
    server => 'para_auth app; para_auth_require $arg_a error=401 error=401; '
        . $OPEN);
checks('an error alone', 0, qr/needs a variable to look at/,
    server => "para_auth app; para_auth_require error=401; $OPEN");
checks('a variable twice', 0, qr/names a variable twice/,
    server => "para_auth app; para_auth_require \$arg_a \$arg_a; $OPEN");
checks('nothing', 0, qr/invalid number of arguments/,
    server => "para_auth app; para_auth_require; $OPEN");

done_testing();
