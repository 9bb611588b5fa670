#!/usr/bin/perl

# Variables before the access phase: limits by verified user, what is seen in
# rewrites, and that nothing is shown that was not verified, or verified twice.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Time::HiRes qw(sleep time);

use constant {
    VERIFY => '/sessions/verify',
    SLOW   => 2000,                  # ms
    TRIES  => 6,
};

mkdir "$PARA_DIR/www";
put_file('www/open.html', '<!--#include virtual="/sub/ssi" -->');

my $OTHER = 'audience another-app;';

# The same user may be limited once in each location.
my @ZONES = qw(user conn delay any page other static mixed keys found);

my $http = http_config(
    provider => "state_path $PARA_DIR/state;",
    http => join "\n", map({
            my $rate = /delay/ ? '30r/m' : '1r/m';
            "limit_req_zone \$para_auth_user_id zone=$_:256k rate=$rate;"
        } grep { $_ ne 'conn' } @ZONES),
    para_provider(name => 'other') =~ s/audience \S+;/$OTHER/r,
    "limit_conn_zone \$para_auth_user_id zone=conn:256k;",
    'map $para_auth_user_id $known { default known; "" unknown; }',
    'log_format early "$uri $status <$para_auth_user_id> <$para_auth_status>";',
    'limit_req_status 429; limit_conn_status 429;');

my $server = <<"CONF" . verify_location();
        para_auth app;
        set \$at_server \$para_auth_user_id;
        proxy_set_header X-At-Server \$at_server;
        proxy_set_header X-Early \$early;
        proxy_set_header X-Known \$known;
        proxy_set_header X-Shown \$para_auth_user_id;
        add_header X-User "<\$para_auth_user_id>" always;
        access_log $PARA_DIR/early.log early;
        root $PARA_DIR/www;

        location / { proxy_pass $APP_URL; }
        location = /revoke {
            para_auth off; para_auth_revoke app; allow all;
        }
        location /limited { limit_req zone=user; proxy_pass $APP_URL; }
        location /conn { limit_conn conn 1; proxy_pass $APP_URL; }
        location /delayed {
            limit_req zone=delay burst=9; proxy_pass $APP_URL;
        }
        location /static { limit_req zone=static; try_files /none =204; }
        location /tried { para_auth_dry_run on; try_files /none /found; }
        location /lost { para_auth off; error_page 404 /found; }
        location /lost/200 { para_auth off; error_page 404 =200 \@found; }
        location /found {
            para_auth app jwt; limit_req zone=found; proxy_pass $APP_URL;
        }
        location \@found { limit_req zone=found; proxy_pass $APP_URL; }

        # in rewrites
        location /all {
            set \$early "\$para_auth_user_id \$para_auth_issuer";
            set \$early "\$early <\$para_auth_status\$para_auth_cache>";
            proxy_pass $APP_URL;
        }
        location /dry {
            para_auth_dry_run on;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location /if {
            if (\$para_auth_user_id) { set \$early yes; }
            proxy_pass $APP_URL;
        }
        location /session {
            para_auth app session;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location /jwt {
            para_auth app jwt;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location /other {
            para_auth other jwt;
            set \$early "<\$para_auth_user_id>";
            limit_req zone=other;
            try_files /none \@jwt;
        }
        location \@jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /to-other {
            para_auth app jwt;
            set \$early "<\$para_auth_user_id>";
            rewrite ^ /in-other last;
        }
        location /in-other {
            para_auth other jwt;
            error_page 401 = \@open;
            set \$early "\$early <\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location /from-open {
            para_auth off;
            set \$early "<\$para_auth_user_id>";
            try_files /none /page/in;
        }
        location /page {
            set \$early "\$early <\$para_auth_user_id>";
            limit_req zone=page;
            proxy_pass $APP_URL;
        }
        location /refused {
            error_page 401 = \@page;
            deny all;
            error_page 403 = \@page;
        }
        location /ended { error_page 401 = \@page; proxy_pass $APP_URL; }
        location \@page {
            para_auth app jwt; satisfy any; allow all;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location \@open { para_auth off; proxy_pass $APP_URL; }
        location /return { return 200 "<\$para_auth_user_id>"; }
        location /redirect { return 302 "/?u=<\$para_auth_user_id>"; }

        # other ways in
        location /any {
            satisfy any; allow all;
            set \$early "<\$para_auth_user_id>";
            limit_req zone=any;
            proxy_pass $APP_URL;
        }
        location /off {
            para_auth off;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location = /open.html { para_auth off; ssi on; ssi_types *; }
        location /sub {
            limit_req zone=mixed;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location /asks {
            auth_request /asked;
            proxy_set_header X-Early \$asked;
            proxy_pass $APP_URL;
        }
        location = /asked {
            para_auth off;
            set \$asked "<\$para_auth_user_id>";
            return 204;
        }

        # no answer
        location /444 {
            limit_req zone=user;
            return 444;
        }
CONF

# Unless a test says otherwise, of both workers together.
my $nginx = start_nginx(http => $http, server => $server, workers => 2);

my $login = login('alice');
my %ID    = map { $_ => login($_)->{userId} } qw(alice bob carol dave frank);

my $asked = 0;

sub ask {
    my ($path, $headers, %options) = @_;
    $asked = -s "$PARA_DIR/early.log" // 0;
    return get($options{port} // $nginx->{port}, $path, $headers // '',
        %options);
}

sub status { return ask(@_)->{status} }

# The header that the app got last; undef if there was none.
sub at_app {
    my ($answer, $name) = @_;
    my ($header) =
        grep { lc $_->[0] eq lc $name } @{($answer->{json} // {})->{headers}};
    return $header && $header->[1];
}

# The users and statuses of the access log since the last ask(), of a path and
# a status; it is written when the client has its answer already.
sub logged {
    my ($path, $status) = @_;
    my $line;
    wait_until(
        3,
        sub {
            open my $in, '<', "$PARA_DIR/early.log" or return 0;
            seek $in, $asked, 0;
            ($line) = grep {/\A\Q$path\E $status /} <$in>;
            return defined $line;
        }
    );
    return ($line // '') =~ s/\A\S+ \d+ |\n//gr;
}

# The same user with other tokens, which nobody signed, or not for us.
sub bad_tokens {
    my ($login) = @_;
    return (
        tampered       => tamper($login->{jwt}),
        expired        => para_jwt($login, exp => time - 3600),
        tenants        => para_jwt($login, aud => 'another-app'),
        unsigned       => para_jwt($login, alg => 'none', key => ''),
        'wrong kid of' => para_jwt($login, header => {kid => 'k9'}),
    );
}


# ---- limit_req and limit_conn by user --------------------------------------

subtest 'users are limited one by one' => sub {
    for my $user (qw(alice bob)) {
        my $login = login($user);
        is(status('/limited', credentials($login)), 200, "$user: once");
        is(status('/limited', credentials($login)), 429, "$user: not twice")
            for 1 .. 3;
        is(status('/limited', credentials(login($user))),
            429, "$user: not with another session either");
        is(logged('/limited', 429), '<-> <->', "$user: nobody in the log");
    }
};

subtest 'what is not verified is nobody' => sub {
    my $login = login('carol');
    my %bad   = bad_tokens($login);

    for my $name (sort keys %bad) {
        for (1 .. 3) {
            my $answer = ask('/limited',
                join "\n", bearer($bad{$name}), credentials($login, 'session'));
            is($answer->{status}, 401, "$name token: 401, not limited");
            is($answer->{header}{'x-user'}, '<>', "$name token: nobody");
            is(logged('/limited', 401), '<-> <'
                    . ($name eq 'expired' ? 'token_expired' : 'token_invalid')
                    . '>', "$name token: nobody in the log");
        }
    }

    is(status('/limited', ''), 401, 'no token: not limited') for 1 .. 3;
    is(status('/limited', credentials($login, 'jwt')),
        401, 'no session: not limited')
        for 1 .. 3;

    is(status('/limited', credentials($login)),
        200, 'the user himself has not been counted');
    is(status('/limited', credentials($login)), 429, 'now he has');
};

subtest 'who is revoked is nobody' => sub {
    my $login = login('erin');
    my $answer = ask('/revoke', 'Content-Type: application/json',
        method => 'POST', body => qq({"user":"$login->{userId}"}));
    is($answer->{status}, 200, 'revoked');
    is(status('/limited', credentials($login)), 401, 'not limited') for 1 .. 3;
};

subtest 'connections' => sub {
    my $new = login('dave');
    reset_para();
    fault(VERIFY, 'slow', delay_ms => SLOW, times => 1);

    my $socket = connect_to($nginx->{port});
    send_text($socket,
        request_text('/conn', headers => credentials($new)));
    ok(wait_until(5, sub { para_calls(VERIFY) }), 'the first one waits');

    is(status('/conn', credentials($new)), 429, 'the second is too many');
    is(status('/conn', credentials(login('dave'))),
        429, 'with another session too');
    is(status('/conn', credentials(login('frank'))), 200, 'another user');
    is(status('/conn', bearer(tamper($new->{jwt})) . "\n"
                . credentials($new, 'session')), 401, 'a forged one');

    is(read_answer($socket)->{status}, 200, 'the first one goes on');
    is(status('/conn', credentials($new)), 200, 'then there is room');
};

subtest 'a delayed request is decided when it goes on' => sub {
    my $socket = connect_to($nginx->{port});
    my $good   = credentials($login);
    is(status('/delayed', $good), 200, 'at once');

    # the second waits two seconds, the third four
    my $began = time;
    my $short =
        para_jwt($login, exp => int($began) - 10 + 3);    # and the leeway
    send_text($socket, request_text('/delayed', headers => $good));
    sleep 0.2;
    my $late = connect_to($nginx->{port});
    send_text($late,
        request_text('/delayed', headers => bearer($short) . "\n"
                . credentials($login, 'session')));

    my $answer = read_answer($socket);
    is($answer->{status}, 200, 'later');
    cmp_ok(time - $began, '>', 1.5, 'it was delayed');
    is($answer->{json}{para}{'X-Para-User-Id'}, $ID{alice}, 'as who it is');
    is(at_app($answer, 'X-Shown'), $ID{alice}, 'and so say the variables');

    is(read_answer($late)->{status}, 401,
        'whose token has ended meanwhile is refused');
    is(logged('/delayed', 401), '<-> <token_expired>', 'for that');
};

subtest 'a client that leaves' => sub {
    my $good   = credentials(login('bob'));
    is(status('/delayed', $good), 200, 'at once');
    my $socket = connect_to($nginx->{port});
    send_text($socket, request_text('/delayed', headers => $good));
    sleep 0.2;
    abort_connection($socket);
    is(logged('/delayed', 499), '<-> <->', 'is nobody in the log');
};


# ---- Rewrites ----------------------------------------------------------------

subtest 'what rewrites see' => sub {
    for my $times ('unknown', 'known') {
        my $answer = ask('/all', credentials($login));
        is($answer->{status}, 200, "$times session: let in");
        is(at_app($answer, 'X-Early'), "$ID{alice} para <>",
            "$times session: of the JWT, and no decision");
        is(at_app($answer, 'X-At-Server'), $ID{alice},
            "$times session: at the server's level");
        is(at_app($answer, 'X-Known'), 'known', "$times session: in a map");
        is(at_app($answer, 'X-Shown'), $ID{alice}, "$times session: then too");
    }

    my $answer = ask('/if', credentials($login));
    is(at_app($answer, 'X-Early'), 'yes', 'if');

    $answer = ask('/jwt', credentials($login, 'jwt'));
    is(at_app($answer, 'X-Early'), "<$ID{alice}>", 'where only the JWT counts')
        for 1, 2;

    $answer = ask('/session', credentials($login));
    is($answer->{status}, 200, 'where only the session counts: let in');
    is(at_app($answer, 'X-Early'), '<>', 'where only the session counts');

    $answer = ask('/dry', credentials($login));
    is(at_app($answer, 'X-Early'), '<>', 'in a dry run');

    $answer = ask('/off', credentials($login));
    is(at_app($answer, 'X-Early'), '<>', 'where nothing is protected');
};

subtest 'answers of rewrites' => sub {
    is(ask('/return', credentials($login))->{body}, '<>', 'return');
    is(ask('/redirect', credentials($login))->{header}{location},
        "http://gateway.test:$nginx->{port}/?u=<>", 'a redirect');
    is(ask('/return', credentials($login))->{header}{'x-user'},
        '<>', 'a header');
};

subtest 'each location by its own policy' => sub {
    my $good  = credentials($login, 'jwt');
    my $other = bearer(para_jwt($login, aud => 'another-app'));

    is(status('/other', $good), 401, 'another app\'s location') for 1, 2;
    is(status('/other', $other), 401, 'its own user: let in, and not by ours');
    is(status('/other', $other), 429, 'limited there');

    my $answer = ask('/to-other', $good);
    is(at_app($answer, 'X-Early'), "<$ID{alice}> <>",
        'a rewrite: nobody in the next');
    is(at_app($answer, 'X-Shown'), undef, 'and nothing after its refusal');

    $answer = ask('/to-other', $other);
    is(at_app($answer, 'X-Early'), "<> <$ID{alice}>", 'the other way round');

    $answer = ask('/from-open', credentials($login));
    is(at_app($answer, 'X-Early'), "<> <$ID{alice}>", 'try_files');
    is(status('/from-open', credentials($login)), 429, 'limited there');
    is(status('/from-open', ''), 401, 'others are not');
};

subtest 'after a refusal' => sub {
    my $answer = ask('/refused', credentials($login));
    is(at_app($answer, 'X-Early'), "<$ID{alice}>",
        'of another module: an error page decides anew');
    is(at_app($answer, 'X-Shown'), undef, 'and shows what it let in');

    $answer = ask('/ended', bearer($login->{jwt}) . "\nX-Para-Session: nobody");
    is(at_app($answer, 'X-Early'), '<>', 'of ours: nothing on its page');
    is(at_app($answer, 'X-Shown'), undef, 'nor when that is let in');
};

subtest 'the page of another error' => sub {
    for my $user (qw(alice bob)) {
        my $good = credentials(login($user));
        my ($path, $status) =
            $user eq 'alice' ? ('/lost', 404) : ('/lost/200', 200);
        reset_app();
        is(status($path, $good), $status, "$path: once");
        is(app_count(), 1, "$path: by the app");
        is(status($path, $good), 429, "$path: not twice") for 1, 2;
        is(status('/found', $good), 429, "$path: nor without the error");
        is(app_count(), 1, "$path: nothing more at the app");
    }
};

subtest 'after a dry run' => sub {
    my %credentials = (
        'let in'  => credentials(login('carol')),
        'refused' => credentials(login('dave'), 'jwt'),
    );

    for my $name (sort keys %credentials) {
        my @tried = ('/tried', $credentials{$name});
        is(status(@tried), 200, "would be $name: once");
        is(status(@tried), 429, "would be $name: not twice");
    }
};

subtest 'another way in' => sub {
    my $answer = ask('/any', credentials($login, 'jwt'));
    is($answer->{status}, 200, 'satisfy any: by its address');
    is(at_app($answer, 'X-Early'), '<>', 'without a session: nobody');

    $answer = ask('/any', credentials($login));
    is($answer->{status}, 200, 'again');
    is(at_app($answer, 'X-Early'), "<$ID{alice}>", 'with one: of the JWT');
    is(at_app($answer, 'X-Shown'), undef, 'which nobody decided about');
    is_deeply($answer->{json}{para}, {}, 'and the app gets nothing');
    is($answer->{header}{'x-user'}, '<>', 'nor the client');
    is(logged('/any', 200), '<-> <->', 'nor the log');

    is(status('/any', credentials($login)), 429, 'it is limited');
};

subtest 'subrequests' => sub {
    for my $i (1 .. 3) {
        like(ask('/open.html', credentials($login))->{body},
            qr/403 Forbidden/, 'refused, whoever it is');
    }

    my $answer = ask('/asks', credentials($login));
    is($answer->{status}, 200, 'auth_request');
    is(at_app($answer, 'X-Early'), '<>', 'which sees nobody');
};

subtest 'no answer' => sub {
    like(http_raw("GET /limited HTTP/1.1\r\nHost: a\r\nHost: b\r\n"
                . credentials($login) =~ s/\n/\r\n/gr . "\r\n\r\n",
            port => $nginx->{port}), qr/\AHTTP\/1.1 400 /, 'a bad request');
    is(logged('/limited', 400), '<-> <->', 'nobody in the log');

    is(status('/444', credentials($login)), 0, 'none at all');
    is(logged('/444', 444), '<-> <->', 'nobody in the log');
};


# ---- Keys that are not there yet ---------------------------------------------

subtest 'keys by URL' => sub {
    my $limits = <<'CONF';
    limit_req_zone $para_auth_user_id zone=keys:256k rate=1r/m;
    limit_req_zone $binary_remote_addr zone=all:256k rate=30r/m;
CONF
    my $server = <<"CONF" . verify_location();
        para_auth app;
        limit_req_status 429;
        proxy_set_header X-Early \$early;
        location /jwt {
            para_auth app jwt;
            set \$early "<\$para_auth_user_id>";
            proxy_pass $APP_URL;
        }
        location /limited {
            para_auth app jwt; limit_req zone=keys; proxy_pass $APP_URL;
        }
        location /held-up {
            para_auth app jwt;
            limit_req zone=keys; limit_req zone=all burst=9;
            proxy_pass $APP_URL;
        }
CONF
    my $nginx = start_nginx(
        http => http_config(
            key_source => 'url',
            provider   => 'jwks_cooldown 1s;',
            http       => $limits
        ),
        server => $server,
    );
    my $port = $nginx->{port};
    ok(wait_until(5, sub {
        status('/jwt', credentials($login, 'jwt'), port => $port) == 200 }),
        'the keys are there');

    sleep 1.2;
    para_keys(rotate => 1);
    reset_para();
    my $new = para_jwt($login);

    my $answer = ask('/jwt', bearer($new), port => $port);
    is($answer->{status}, 200, 'an unknown key: waited for, and let in');
    is(at_app($answer, 'X-Early'), '<>', 'but nobody before that');
    is(para_calls('/.well-known/jwks.json'), 1, 'one fetch');

    $answer = ask('/jwt', bearer(para_jwt('bob')), port => $port);
    is(at_app($answer, 'X-Early'), "<$ID{bob}>", 'then it is known');

    is(status('/limited', bearer($new), port => $port), 200, 'limits: once');
    is(status('/limited', bearer($new), port => $port), 429, 'not twice');

    # Asked for at once, waited for when the request goes on, two seconds
    # later: from then on for two seconds, as always.
    my $old = para_jwt('carol');
    sleep 1.2;
    para_keys(rotate => 1);
    my $newer = para_jwt('dave');
    reset_para();
    fault('/.well-known/jwks.json', 'slow', delay_ms => 3000, times => 1);

    is(status('/held-up', bearer($old), port => $port), 200, 'at once');
    my $began = time;
    is(status('/held-up', bearer($newer), port => $port),
        200, 'a new key and a delay');
    cmp_ok(time - $began, '<', 4.5, 'which did not add up');
    is(para_calls('/.well-known/jwks.json'), 1, 'one fetch');

    is_healthy($nginx, 'all of this');
};


# ---- Nothing is verified twice -----------------------------------------------

subtest 'how often' => sub {
    plan skip_all => 'nginx without --with-debug'
        if `$ENV{TEST_NGINX_BINARY} -V 2>&1` !~ /--with-debug/;

    my $nginx = start_nginx(
        http => http_config(http => <<'CONF'),
    limit_req_zone $para_auth_user_id zone=a:256k rate=6000r/s;
    limit_req_zone $para_auth_user_id zone=b:256k rate=6000r/s;
    limit_conn_zone $para_auth_user_id zone=c:256k;
    log_format user '$para_auth_user_id';
CONF
        server => <<"CONF" . verify_location(),
        para_auth app;
        access_log $PARA_DIR/twice.log user;
        limit_req zone=a burst=9; limit_req zone=b burst=9; limit_conn c 9;
        limit_req_status 429;
        location / { proxy_pass $APP_URL; }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /set {
            set \$user \$para_auth_user_id; proxy_pass $APP_URL;
        }
        location /444 { return 444; }
CONF
        main => "error_log $PARA_DIR/debug.log debug;",
    );

    my $read = 0;
    my $steps = sub {
        my ($path, $headers) = @_;
        my $answer = ask($path, $headers, port => $nginx->{port});
        wait_until(3, sub { (-s "$PARA_DIR/twice.log") > 0 });
        sleep 0.1;
        open my $in, '<', "$PARA_DIR/debug.log" or die $!;
        seek $in, $read, 0;
        my %steps = (status => $answer->{status});
        while (my $line = <$in>) {
            $steps{$1}++
                if $line =~
                /para_auth step (credential|cache|exported|token): /;
        }
        $read = tell $in;
        return \%steps;
    };

    my $good = credentials(login('alice'));
    my %cold = (credential => 1, cache => 1, exported => 1, token => 1);

    is_deeply($steps->('/', $good), {status => 200, %cold}, 'unknown');
    is_deeply($steps->('/', $good),
        {status => 200, credential => 1, cache => 1}, 'known');
    is_deeply($steps->('/jwt', bearer(para_jwt('bob'))),
        {status => 200, %cold}, 'the JWT alone');
    is_deeply(
        $steps->('/', bearer(tamper(para_jwt('bob')))
                . "\nX-Para-Session: vt-nobody"),
        {status => 401, %cold}, 'a bad token'
    );
    is_deeply($steps->('/', ''), {status => 401, credential => 1}, 'none');
    is_deeply($steps->('/set', credentials(login('carol'))),
        {status => 200, %cold}, 'in a rewrite, and for limits');
    is_deeply($steps->('/444', $good), {status => 0}, 'never for a log line');
};


# ---- Other modules ---------------------------------------------------------

# Nobody is verified early while he is being verified: steps would be left out.
# ngx_lua puts its handler behind ours when its first request comes.
for my $beside (undef, 'postponed') {
    SKIP: {
        my $module = $beside && other_module($beside);
        skip 'needs the nginx that the module is built for', 1
            if $beside && !$module;

        my $name = $beside ? 'beside a handler that moves' : 'alone';

        my $nginx = start_nginx(
            main => $module ? "load_module $module;" : '',
            http => http_config(http => <<'CONF'),
    map $para_auth_user_id $for_session {
        volatile; default $cookie_para_session;
    }
    map $para_auth_user_id $for_token { volatile; default ""; }
    para_auth_forward_credentials on;
CONF
            server => <<"CONF" . verify_location());
        para_auth app;
        location / { proxy_pass $APP_URL; }
        location /session {
            para_auth_session_token \$http_x_para_session \$for_session;
            proxy_pass $APP_URL;
        }
        location /token {
            para_auth_token bearer \$for_token;
            proxy_pass $APP_URL;
        }
        location /set {
            set \$early \$para_auth_user_id;
            proxy_set_header X-Early \$early;
            proxy_pass $APP_URL;
        }
CONF

        for my $path (qw(/ /session /token /set)) {
            my $ask = sub {
                my $answer = ask($path, join("\n", bearer(para_jwt($login)),
                        @_), port => $nginx->{port});
                return join ' ', $answer->{status},
                    $answer->{json}{para}{'X-Para-User-Id'} // ();
            };

            is($ask->(credentials($login, 'session')),
                "200 $ID{alice}", "$name: $path: who he is");
            is($ask->(credentials(login('bob'), 'session')),
                401, "$name: $path: another's session");
            is($ask->('X-Para-Session: vt-nobody'),
                401, "$name: $path: nobody's session");
            is($ask->(), 401, "$name: $path: no session");
        }

        my $answer = ask('/set', credentials($login), port => $nginx->{port});
        is(at_app($answer, 'X-Early'), $ID{alice}, "$name: known early");

        is_healthy($nginx, $name);
        like($nginx->error_log, qr{postponed: / user "$ID{alice}"},
            "$name: it comes after ours")
            if $beside;
    }
}

is_healthy($nginx, 'all of this');

done_testing();
