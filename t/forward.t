#!/usr/bin/perl

# Credentials that the application is to get, and those that are looked for in
# places where they cannot be taken away from it.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use constant {
    VERIFY => '/sessions/verify',
    LONG   => 16_384,
};

mkdir "$PARA_DIR/www";
put_file("www/$_.html", '<!--#include virtual="/on/a" -->'
        . '<!--#include virtual="/on/off/b" -->')
    for qw(page page-off);

my $port  = free_ports();
my $http2 = $port + 1;

my $nginx = start_nginx(
    port => $port,
    http => http_config(http => <<'CONF'),
    para_auth_forward_credentials on;
    map $http_x_wrapped $unwrapped { default ""; "~^<(?<inner>.*)>$" $inner; }
    map "$para_auth_user_id|$http_x_a" $loop { volatile; "~\|(?<l>.+)$" $l; }
CONF
    server => <<"CONF" . verify_location());
        listen 127.0.0.1:$http2 http2;
        large_client_header_buffers 4 64k;
        add_header X-Status \$para_auth_status always;
        para_auth app;

        location /on { proxy_pass $APP_URL; }
        location /on/off {
            para_auth_forward_credentials off; proxy_pass $APP_URL;
        }
        location = /page.html { root $PARA_DIR/www; ssi on; }
        location = /page-off.html {
            para_auth_forward_credentials off; root $PARA_DIR/www; ssi on;
        }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /cookie {
            para_auth_token \$cookie_jwt; para_auth_session_token \$cookie_sid;
            proxy_pass $APP_URL;
        }
        location /any { satisfy any; allow all; proxy_pass $APP_URL; }
        location /arg {
            para_auth_token bearer \$arg_token;
            para_auth_session_token \$http_x_para_session \$arg_session;
            proxy_pass $APP_URL;
        }
        location /map {
            para_auth_token \$unwrapped; proxy_pass $APP_URL;
        }
        location /capture {
            para_auth_token \$captured;
            if (\$uri ~ "^/capture/(?<captured>.+)") { set \$any 1; }
            proxy_pass $APP_URL;
        }
        location /changed {
            para_auth_token \$from;
            set \$from \$http_x_a;
            set \$early \$para_auth_user_id;
            auth_request /asked;
            auth_request_set \$from \$http_x_b;
            proxy_set_header X-Early \$early;
            proxy_pass $APP_URL;
        }
        location = /asked { para_auth off; return 204; }
        location /loop {
            para_auth_token \$loop;
            set \$early "<\$para_auth_user_id>";
            proxy_set_header X-Early \$early;
            proxy_pass $APP_URL;
        }
CONF

my $login = login('alice');
my ($jwt, $session) = @$login{qw(jwt verificationToken)};
my $both = credentials($login);

sub ask {
    my ($path, $headers) = @_;
    reset_app();
    return get($port, $path, $headers // '');
}

# The headers that the app got of those names.
sub at_app {
    my (@names) = @_;
    my $call = app_calls()->[0] or return;
    return map {
        my $name = lc;
        map { $_->[1] } grep { lc $_->[0] eq $name } @{$call->{headers}}
    } @names;
}

sub user_at_app { return (app_calls()->[0] // {})->{para}{'X-Para-User-Id'} }

my @CREDENTIALS = qw(Authorization X-Para-Session);

sub let_in {
    my ($answer, $name) = @_;
    is($answer->{status}, 200, "$name: let in");
    is(user_at_app(), $login->{userId}, "$name: as who it is");
    return;
}

sub refused {
    my ($answer, $code, $name) = @_;
    is($answer->{header}{'x-status'}, $code, "$name: $code");
    is(app_count(), 0, "$name: nothing at the app");
    return;
}


# ---- What the app gets ------------------------------------------------------

subtest 'forwarded' => sub {
    let_in(ask('/on', "$both\nX-Para-User-Id: mallory\nX_Para_Roles: admin"),
        'on');
    is_deeply([at_app(@CREDENTIALS)], ["Bearer $jwt", $session], 'on: both');
    is_deeply([at_app('X-Para-User-Id', 'X-Para-Roles')],
        [$login->{userId}], 'on: and no look-alike');

    let_in(ask('/on/off', $both), 'off further in');
    is_deeply([at_app(@CREDENTIALS)], [], 'off further in: none');

    let_in(ask('/jwt', $both), 'one layer');
    is_deeply([at_app(@CREDENTIALS)], ["Bearer $jwt", $session],
        'one layer: both');

    let_in(ask('/cookie', "Cookie: a=1; jwt=$jwt; sid=$session"), 'cookies');
    is_deeply([at_app('Cookie')], ["a=1; jwt=$jwt; sid=$session"],
        'cookies: as they were');

    is(ask('/any', $both)->{status}, 200, 'another way in');
    is_deeply([at_app(@CREDENTIALS)], ["Bearer $jwt", $session],
        'another way in: both');
    is(user_at_app(), undef, 'another way in: nobody');

    refused(ask('/on', bearer($jwt)), 'session_missing', 'one of them');
};

subtest 'subrequests' => sub {
    for my $page ('/page.html', '/page-off.html') {
        is(ask($page, $both)->{status}, 200, "$page: let in");
        my %got;
        for my $call (@{app_calls()}) {
            $got{$call->{path}} = grep {
                $_->[0] =~ /\A(?:authorization|x-para-session)\z/i
            } @{$call->{headers}};
        }
        is_deeply(
            \%got,
            {'/on/a' => $page eq '/page.html' ? 2 : 0, '/on/off/b' => 0},
            "$page: what its main request has left, where it is on"
        );
    }
};

SKIP: {
    skip 'curl without HTTP/2', 1 if `curl --version` !~ /\bHTTP2\b/;

    subtest 'HTTP/2' => sub {
        for my $path ('/on', '/on/off') {
            reset_app();
            my @lines = map { ('-H', $_) } split /\n/, $both;
            open my $out, '-|', 'curl', '-sS', '--http2-prior-knowledge',
                '-o', '/dev/null', '-w', '%{http_version} %{http_code}',
                @lines, "http://127.0.0.1:$http2$path"
                or die "curl: $!";
            is(scalar <$out>, '2 200', "$path: let in");
            is_deeply([at_app(@CREDENTIALS)],
                $path eq '/on' ? ["Bearer $jwt", $session] : [],
                "$path: what the app gets");
        }
    };
}

# On at the http level, and so in the marked location.
subtest 'Para gets nothing of it' => sub {
    my $new = login('bob');
    reset_para();
    is(ask('/on', credentials($new) . "\nCookie: a=1")->{status},
        200, 'let in');
    my ($call) = para_requests(VERIFY);
    is_deeply(
        [grep {/\A(?:authorization|cookie|x-para-session)\z/}
                sort keys %{$call->{header}}],
        [], 'none of the credentials'
    );
};


# ---- Where they are looked for ----------------------------------------------

subtest 'in arguments' => sub {
    let_in(ask("/arg?token=$jwt&session=$session"), 'both');
    is(app_calls()->[0]{query}, "token=$jwt&session=$session",
        'both: the app has them too');
    let_in(ask("/arg?token=$jwt", $both), 'the same twice');
    let_in(ask("/arg?token=&session=", $both), 'empty ones are none');

    my $other = para_jwt('bob');
    refused(ask("/arg?token=$other", $both), 'token_ambiguous', 'another JWT');
    refused(ask("/arg?session=other", $both),
        'session_malformed', 'another session');
    refused(ask("/arg?token=" . $jwt =~ s/\./%2E/r, credentials($login,
                'session')), 'token_malformed', 'encoded');
    refused(ask("/arg?token=" . tamper($jwt), credentials($login, 'session')),
        'token_invalid', 'tampered');
    refused(ask("/arg?session=a\"b", bearer($jwt)),
        'session_malformed', 'a session with quotes');
    refused(ask('/arg'), 'token_missing', 'none');
    refused(ask("/on?token=$jwt&session=$session"),
        'token_missing', 'where it is no source');

    for my $size (LONG, LONG + 1, LONG * 2) {
        my $long = $jwt . 'A' x ($size - length $jwt);
        my $session = credentials($login, 'session');
        my $told = qr/ refused, (code \w+, reason \w+), /;

        new_log($nginx);
        ask('/on', bearer($long) . "\n$session");
        my ($expected) = new_log($nginx) =~ $told;
        refused(ask("/arg?token=$long", $session),
            'token_invalid', "$size bytes");
        my ($got) = new_log($nginx) =~ $told;
        is($got, $expected, "$size bytes: as in a header");
    }
};

subtest 'in other variables' => sub {
    let_in(ask('/map', "X-Wrapped: <$jwt>\n" . credentials($login, 'session')),
        'a map');
    is_deeply([at_app('X-Wrapped')], ["<$jwt>"], 'a map: the app has it too');
    refused(ask('/map', $both), 'token_missing', 'a map of nothing');
    refused(ask('/map', "X-Wrapped: <$jwt >\n$both"),
        'token_malformed', 'a map with a space');

    let_in(ask("/capture/$jwt", credentials($login, 'session')), 'a capture');
};

subtest 'what is found early is looked for again' => sub {
    my $other   = login('carol');
    my $session = credentials($other, 'session');

    my $answer = ask('/changed',
        "X-A: $jwt\nX-B: $other->{jwt}\n$session");
    is($answer->{status}, 200, 'another JWT when access is decided: let in');
    is_deeply([at_app('X-Early')], [$login->{userId}], 'first the one');
    is(user_at_app(), $other->{userId}, 'then the other');

    refused(ask('/changed', "X-A: $jwt\n" . credentials($login, 'session')),
        'token_missing', 'none any more');
    is(ask('/changed', "X-B: $other->{jwt}\n$session")->{status},
        200, 'only then');
    is(ask('/changed', 'X-A: ' . tamper($jwt)
                . "\nX-B: $other->{jwt}\n$session")->{status},
        200, 'a bad one first');
};

subtest 'a source that asks who it is' => sub {
    let_in(ask('/loop', "X-A: $jwt\n" . credentials($login, 'session')),
        'let in');
    is_deeply([at_app('X-Early')], ["<$login->{userId}>"], 'known early');
};

unlike($nginx->error_log, qr/\[(?:alert|crit|error)\]/, 'nothing broke');

done_testing();
