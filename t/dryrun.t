#!/usr/bin/perl

# para_auth_dry_run: decides as always, tells it, and changes nothing that a
# client or an application could see, but for look-alikes, which go.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use MIME::Base64 qw(encode_base64);

use constant {
    VERIFY  => '/sessions/verify',
    SLOW    => 500,                  # ms
};

my $h2 = free_ports() + 2;

put_file('htpasswd', "staff:{PLAIN}secret\n");
my $BASIC = 'Authorization: Basic ' . encode_base64('staff:secret', '');

mkdir "$PARA_DIR/www";
put_file("www/$_->[0].html", "<!--# include virtual=\"$_->[1]\" -->")
    for ['tried', '/'], ['role', '/role'], ['must', '/must'],
    ['other', '/jwt'], ['map', '/map'];

my $SERVER = <<"CONF";
        listen 127.0.0.1:$h2 http2;
        para_auth app;
        para_auth_dry_run on;
        para_auth_header default;
        para_auth_header X-Who \$para_auth_user_id;
        add_header X-Status \$para_auth_status always;
        add_header X-Shown "\$para_auth_user_id\$para_auth_roles" always;
        error_page 401 403 503 = /page;

        location / { proxy_pass $APP_URL; }
        location = /page { para_auth off; return 200 "page\\n"; }
        location /traced {
            para_auth_explain on;
            add_header X-Trace \$para_auth_trace always;
            proxy_pass $APP_URL;
        }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /role { para_auth_require_role admin; proxy_pass $APP_URL; }
        location /map { para_auth_require \$is_alice; proxy_pass $APP_URL; }
        location /wallet {
            para_auth_require_wallet \$arg_a;
            proxy_pass $APP_URL;
        }
        location /json {
            para_auth_error_format json;
            para_auth_preflight pass;
            proxy_pass $APP_URL;
        }
        location /must {
            para_auth_dry_run off;
            error_page 418 \@none;
            proxy_pass $APP_URL;
        }

        location /from {
            error_page 404 = /must;
            root /nowhere;
        }
        location /named { try_files /none \@named; }
        location \@named { para_auth_dry_run off; proxy_pass $APP_URL; }
        location /must-from {
            para_auth_dry_run off;
            error_page 404 = /;
            root /nowhere;
        }

        location /ssi/ { alias $PARA_DIR/www/; ssi on; ssi_types *; }
        location /must-ssi/ {
            para_auth_dry_run off;
            alias $PARA_DIR/www/; ssi on; ssi_types *;
        }

        location /any-deny { satisfy any; deny all; proxy_pass $APP_URL; }
        location /any-allow {
            satisfy any; allow 127.0.0.1; deny all; proxy_pass $APP_URL;
        }
        location /any-basic {
            satisfy any;
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            error_page 418 \@none;
            proxy_pass $APP_URL;
        }
        location /all-deny { deny all; error_page 418 \@none;
            proxy_pass $APP_URL; }
        location /all-basic {
            auth_basic staff; auth_basic_user_file $PARA_DIR/htpasswd;
            para_auth_token \$http_x_token;
            error_page 418 \@none;
            proxy_pass $APP_URL;
        }
CONF

my $MAPS = <<'CONF';
    map $para_auth_identifier $is_alice {
        volatile;
        "~^alice"  1;
    }
CONF

# Options: server, and those of start_nginx().
sub options {
    my (%options) = @_;

    my $server = delete $options{server} // $SERVER;
    $options{http} //=
        http_config(provider => own_issuer(), http => $MAPS);

    return (%options, server => "$server\n" . verify_location());
}

my $nginx = start_nginx(options());

sub ask {
    my ($path, $headers, %options) = @_;
    return get($nginx->{port}, $path, $headers // '', %options);
}

# Let in, with nothing of ours: neither at the application nor in the answer.
sub is_untouched {
    my ($answer, $status, $name) = @_;

    is($answer->{status}, 200, "$name: let in");
    is($answer->{header}{'x-status'}, $status, "$name: $status");
    is($answer->{header}{'x-shown'}, undef, "$name: nothing is shown");
    is($answer->{header}{$_}, undef, "$name: no $_")
        for qw(www-authenticate retry-after);
    is_deeply([map { seen_by_app($answer, $_) }
            qw(x-para-user-id x-para-internal-user-id x-para-roles x-who
            x-para-wallets x-para-identifier x-para-auth-type)],
        [], "$name: no identity");

    return;
}


# ---- Whatever is decided --------------------------------------------------

my $alice = login('alice');
my $good  = credentials($alice);
my $ended = login('bob');
end_session($ended);
my $user  = {%$alice, jwt => own_jwt(claims => {roles => ['user']})};

for my $case (
    ['/', $good,                          'ok', 'good'],
    ['/', '',                             'token_missing', 'nobody'],
    ['/', bearer($alice->{jwt}),          'session_missing', 'no session'],
    ['/', "$good\nX-Para-Session: other", 'session_malformed', 'two sessions'],
    ['/', "X-Para-Session: x\n" . bearer('a b'), 'token_malformed', 'no token'],
    ['/', credentials({%$alice, jwt => tamper($alice->{jwt})}),
        'token_invalid', 'forged'],
    ['/', credentials({%$alice, jwt => para_jwt($alice, exp => time - 99)}),
        'token_expired', 'expired'],
    ['/', credentials($ended),            'session_expired', 'session ended'],
    ['/', bearer($alice->{jwt}) . "\n" . credentials(login('bob'), 'session'),
        'identity_mismatch', 'two users'],
    ['/role', credentials($user),         'role_missing', 'role'],
    ['/map', credentials(login('bob')),   'requirement_unmet', 'requirement'],
    ['/map', $good,                       'ok', 'requirement that is met'],
    ['/wallet?a=0x1', $good,              'wallet_missing', 'wallet'],
    ['/json', '',                         'token_missing', 'JSON'],
    )
{
    my ($path, $headers, $status, $name) = @$case;

    for my $time (qw(first again)) {
        new_log($nginx);
        my $answer = ask($path, $headers);
        is_untouched($answer, $status, "$name, $time");

        my $log = new_log($nginx);
        if ($status eq 'ok') {
            unlike($log, qr/refused/, "$name: no word in the log");
        }
        else {
            like($log, qr/\[info\].*would be refused, code $status, reason /,
                "$name: the log says so");
            unlike($log, qr/para_auth: refused/, "$name: ... and no more");
        }

        # What the client sent is there, once and as it was.
        my %sent;
        for (split /\n/, $headers) {
            my ($of, $value) = split /: /, $_, 2;
            push @{$sent{$of}}, $value;
        }
        for my $of (sort keys %sent) {
            is_deeply([seen_by_app($answer, $of)], $sent{$of},
                "$name: its $of");
        }
    }
}

# A trace says what it is, with a status of none.
like(ask('/traced', $good)->{header}{'x-trace'},
    qr/"mode":"dry_run","decision":"granted","code":"ok"/, 'trace, good');
like(ask('/traced')->{header}{'x-trace'},
    qr/"mode":"dry_run","decision":"refused",(?!.*"status":)/,
    'trace, nobody');

# Look-alikes go.
{
    my @names = qw(X-Para-User-Id x_para_user_id X.Para.Roles X-WHO x_who
        X-Para-Wallets);
    my $lies = join "\n", map {"$_: mallory"} @names;
    is_untouched(ask('/', "$good\n$lies"), 'ok', 'look-alikes');
    is_untouched(ask('/', $lies), 'token_missing', 'look-alikes, nobody');
}

# Methods and bodies; a body is not in the way of a call.
for my $method (qw(POST PUT DELETE OPTIONS)) {
    my $new = login('alice');
    my $answer = ask('/', credentials($new),
        method => $method, body => 'x' x 70_000);
    is_untouched($answer, 'ok', $method);
    is($answer->{json}{body_length}, 70_000, "$method: its body");
}


# ---- Para is asked as always ----------------------------------------------

{
    my $new = login('alice');
    reset_para();
    fault(VERIFY, 'slow', delay_ms => SLOW, times => 1);
    my $text = request_text('/', headers => credentials($new), close => 1);
    is_untouched($_, 'ok', 'waiting for Para')
        for burst($nginx->{port}, [($text) x 10]);
    is(para_calls(VERIFY), 1, 'one call');

    is_untouched(ask('/', credentials($new)), 'ok', 'known');
    is(para_calls(VERIFY), 1, 'no call more');

    # What a dry run has found out is good where it is none.
    my $answer = ask('/must', credentials($new));
    is($answer->{status}, 200, 'known elsewhere');
    is_deeply([seen_by_app($answer, 'x-para-user-id')], [$new->{userId}],
        '... with the identity');
    is_deeply([seen_by_app($answer, 'authorization')], [],
        '... without credentials');
    is(para_calls(VERIFY), 1, '... no call more');
}

{
    my $new = login('bob');
    reset_para();
    fault(VERIFY, '500', times => 1);
    is_untouched(ask('/', credentials($new)), 'para_unavailable', 'Para fails');
    is_untouched(ask('/', credentials($new)), 'ok', 'Para is back');
}

# Identities that are stored are stored for who they are.
for my $turn (1 .. 5) {
    for my $name (qw(alice bob)) {
        my $login = login($name);
        is_untouched(ask('/', credentials($login)), 'ok', "turn $turn, $name");
        my $answer = ask('/must', credentials($login));
        is_deeply([seen_by_app($answer, 'x-para-user-id')], [$login->{userId}],
            "turn $turn, $name, where it counts");
    }
}


# ---- Where it is off, all is as ever --------------------------------------

for my $headers ('', credentials($ended)) {
    my $answer = ask('/must', $headers);
    is($answer->{status}, 401, 'off: refused');
    like($answer->{header}{'www-authenticate'}, qr/\ABearer/,
        'off: with a challenge');
}

# From a dry run to where it counts, and back.
for my $path (qw(/from /named)) {
    my $answer = ask($path, $good);
    is($answer->{status}, 200, "$path: let in");
    is_deeply([seen_by_app($answer, 'x-para-user-id')], [$alice->{userId}],
        "$path: with the identity");
    is_deeply([seen_by_app($answer, 'authorization')], [],
        "$path: without credentials");
    is(ask($path)->{json}, undef, "$path: nobody");
    is(ask($path, bearer($alice->{jwt}))->{json}, undef,
        "$path: without a session");
}

{
    my $answer = ask('/must-from', $good);
    is_untouched($answer, 'ok', 'from where it counts');
    is_deeply([seen_by_app($answer, 'authorization')], ["Bearer $alice->{jwt}"],
        'from where it counts: the credentials are back');
}


# ---- Subrequests ----------------------------------------------------------

sub is_let_in { return $_[0]->{body} =~ /"headers"/ }

for my $case (
    ['/ssi/tried.html', $good, 1, '', 'by the same policy'],
    ['/ssi/tried.html', '',    1, 'because its main', 'nobody'],
    ['/ssi/role.html',  $good, 1, 'reason role_missing', 'without the role'],
    ['/ssi/map.html',   $good, 1, '', 'that meets a requirement'],
    ['/ssi/map.html', credentials(login('bob')), 1,
        'reason requirement_unmet', 'that does not'],
    ['/ssi/other.html', $good, 1, 'because its main', 'by another policy'],
    ['/must-ssi/tried.html', $good, 1, '', 'out of where it counts'],
    ['/must-ssi/role.html',  $good, 1, 'reason role_missing',
        'out of where it counts, without the role'],
    ['/ssi/must.html',  $good, 0, '', 'into where it counts'],
    ['/ssi/must.html',  '',    0, '', 'into where it counts, nobody'],
    ['/must-ssi/must.html', $good, 2, '', 'both where it counts'],
    )
{
    my ($path, $headers, $let_in, $said, $name) = @$case;

    new_log($nginx);
    my $answer = ask($path, $headers);
    my $log    = new_log($nginx);

    is(!!is_let_in($answer), !!$let_in, "subrequest $name");
    $said
        ? like($log, qr/subrequest "\S+" would be refused, \Q$said\E/,
            "subrequest $name: the log")
        : unlike($log, qr/subrequest "\S+" would be/,
            "subrequest $name: the log");
    $let_in == 2
        ? like($answer->{body}, qr/X-Para-User-Id/, "... with the identity")
        : unlike($answer->{body}, qr/"X-Para-(?!Session)|X-Who/i,
            "... without an identity");
    like($log, qr/subrequest "\/must" refused/, '... refused there')
        if !$let_in;
}


# ---- satisfy --------------------------------------------------------------

is(ask('/any-deny', $good)->{status}, 200, 'any, deny all: the page of 403');
is(ask('/any-deny', $good)->{body}, "page\n", '... which is what others say');
is(ask('/any-allow', $_)->{header}{'x-status'}, undef, 'any, allowed')
    for '', $good;

{
    my $session = credentials($alice, 'session');
    my $answer = ask('/any-basic', "$BASIC\n$session");
    is($answer->{status}, 200, 'any, the password');
    is_deeply([seen_by_app($answer, 'authorization')], [$BASIC =~ s/.*?: //r],
        'any, the password: it is left');

    $answer = ask('/any-basic', $session);
    is($answer->{status}, 401, 'any, no password');
    is_deeply([map { $_->[1] } grep { lc $_->[0] eq 'www-authenticate' }
            @{$answer->{headers}}],
        ['Basic realm="staff"'], 'any, no password: the challenge is its own');

    $answer = ask('/any-basic', $good);
    is($answer->{status}, 401, 'any, what would be good enough');

    $answer = ask('/all-basic', "$BASIC\nX-Token: $alice->{jwt}\n$session");
    is_untouched($answer, 'ok', 'all, the password');
    is_untouched(ask('/all-basic', $BASIC), 'token_missing',
        'all, the password alone');
    is(ask('/all-basic', "X-Token: $alice->{jwt}\n$session")->{status},
        401, 'all, no password');
    is(ask('/all-deny', $good)->{status}, 403, 'all, deny all');
}


# ---- HTTP/2, two workers, a reload ----------------------------------------

for my $headers ($good, '') {
    my @headers = map { ('-H', $_) } split /\n/, $headers;
    open my $out, '-|', 'curl', '-s', '--http2-prior-knowledge', '-i',
        @headers, '-H', 'X-Para-User-Id: mallory', "http://127.0.0.1:$h2/"
        or die "curl: $!";
    my $said = do { local $/; <$out> };
    close $out;
    like($said, qr{\AHTTP/2 200}, 'HTTP/2: let in');
    unlike($said, qr/mallory|www-auth|"X-Para-User-Id|X-Who/i,
        'HTTP/2: nothing of ours');
    like($said, $headers ? qr/"Authorization"/i : qr/x-status: token_missing/,
        'HTTP/2: as it came');
}

is_healthy($nginx, 'all of this');
$nginx->stop;

{
    my $server = <<"CONF";
        para_auth app;
        add_header X-Status \$para_auth_status always;
        add_header X-Worker \$pid always;
        SWITCH
        location / { proxy_pass $APP_URL; }
CONF
    my $two = start_nginx(options(workers => 2,
        server => $server =~ s/SWITCH/para_auth_dry_run on;/r));
    my %seen;
    for (1 .. 200) {
        my $answer = get($two->{port}, '/', '');
        $seen{$answer->{header}{'x-worker'}}{$answer->{status}}++;
        last if keys %seen == 2;
    }
    is_deeply([values %seen], [map { {200 => $_->{200}} } values %seen],
        'all workers let in');
    is(scalar keys %seen, 2, 'two of them');
    $two->stop;
}


# ---- nginx -t -------------------------------------------------------------

sub checks {
    my ($name, $good, $pattern, $warnings, $server) = @_;

    my $said = nginx_says($name, $good, $pattern, options(server => $server));
    my $warned =
        lines_like(qr/\[warn\].*para_auth_dry_run" in \S+:\d+ protects/, $said);
    is($warned, $warnings, "nginx -t: $name: $warnings warnings");

    return;
}

my $OK   = qr/syntax is ok/;
my $OPEN = 'location / { return 200; } location /a { return 200; }';

checks('on', 1, $OK, 1, "para_auth app; para_auth_dry_run on; $OPEN");
checks('off', 1, $OK, 0, "para_auth app; para_auth_dry_run off; $OPEN");
checks('twice', 1, $OK, 2, 'para_auth app; location / '
    . '{ para_auth_dry_run on; return 200; }' . "\n"
    . 'location /a { para_auth_dry_run on; return 200; }');
checks('on, and off below', 1, $OK, 1, 'para_auth app; para_auth_dry_run on; '
    . 'location / { para_auth_dry_run off; return 200; }');
checks('in vain', 0,
    qr/para_auth_dry_run in \S+:\d+ has nothing to try: there is no "para_/, 0,
    "para_auth_dry_run on; $OPEN");
checks('where it is off', 0, qr/has nothing to try/, 0,
    'para_auth app; location / '
        . '{ para_auth off; para_auth_dry_run on; return 200; }');
checks('two of them', 0, qr/is duplicate/, 0,
    "para_auth app; para_auth_dry_run on; para_auth_dry_run on; $OPEN");
checks('maybe', 0, qr/takes "on" or "off"/, 0,
    "para_auth app; para_auth_dry_run maybe; $OPEN");

done_testing();
