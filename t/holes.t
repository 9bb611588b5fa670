#!/usr/bin/perl

# What nginx leaves around the access phase, beside what phases.t has: methods,
# ways of writing a target, pages of refusals, mirrors, slices, the cache's own
# requests, what comes after an answer, njs.  None lets in who should not, and
# none carries an identity or credentials to where they do not belong; what is
# the operator's to know is shown as it is, and the README says it.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaUpstreams;
use Test::More;

use Time::HiRes qw(sleep);

use constant SETTLED => 0.3;    # seconds, when nothing is expected to come

mkdir "$PARA_DIR/$_" for qw(www www/site www/private www/files cache);
put_file('www/refused.html',
    '<!--#include virtual="/raw/included" -->'
    . '<!--#echo var="para_auth_user_id" default="-" -->'
    . '<!--#echo var="http_x_para_user_id" default="-" -->');
put_file('www/nested.html', '<!--#include virtual="/open-page.html" -->');
put_file('www/open-page.html',
    '<!--#include virtual="/copied/first" wait="yes" -->'
    . '<!--#include virtual="/open-copied/second" wait="yes" -->');
my $ACCEL = '_header=X-Accel-Redirect:';
my $LED   = join '', map {"<!--#include virtual=\"$_\" wait=\"yes\" -->"}
    '/app/failing?_status=404', "/app/led?$ACCEL/open/led",
    "/app/led?$ACCEL/raw/led";
put_file('www/led.html',      $LED);
put_file('www/led-open.html', $LED =~ s{/app/}{/open-app/}gr);
put_file('www/site/index.html',    "the site\n");
put_file('www/private/index.html', "private\n");
put_file('www/files/a.txt',        "of the client\n");
chmod 0777, map {"$PARA_DIR/$_"} qw(www/private www/files cache);

put_file('holes.js', <<'JS');
function tell(r) {
    r.return(200, JSON.stringify({
        user: r.variables.para_auth_user_id || '',
        header: r.headersIn['X-Para-User-Id'] || '',
        credentials: (r.headersIn['Authorization'] || '')
            + (r.headersIn['X-Para-Session'] || '')
    }));
}
function include(r) {
    r.subrequest('/raw/njs').then(reply => r.return(200, '' + reply.status));
}
function send(r) {
    r.subrequest('/raw/njs', {detached: true});
    r.return(200, 'sent');
}
function lead(r) { r.internalRedirect('/raw/njs'); }
function lead_out(r) { r.internalRedirect('/open/njs'); }
export default {tell, include, send, lead, lead_out};
JS

my $built = `$ENV{TEST_NGINX_BINARY} -V 2>&1`;
my ($modules) = $built =~ /--modules-path=(\S+)/;
my $njs = defined $modules && -e "$modules/ngx_http_js_module.so";
my $dav = $built =~ /--with-http_dav_module/ ? 'dav_methods COPY MOVE;' : '';

my $upstreams = ParaUpstreams->start("$PARA_DIR/upstreams");
my $RAW       = 'http://127.0.0.1:' . $upstreams->port('http');

my $port  = free_ports();
my $named = $port + 1;

my $js_http   = $njs ? "js_path $PARA_DIR; js_import holes from holes.js;" : '';
my $js_server = !$njs ? '' : <<'CONF';
        location = /js/tell         { js_content holes.tell; }
        location = /js/include      { js_content holes.include; }
        location = /js/send         { js_content holes.send; }
        location = /js/lead         { js_content holes.lead; }
        location = /js/lead-out     { js_content holes.lead_out; }
        location /js/open {
            para_auth off;
            location = /js/open/tell     { js_content holes.tell; }
            location = /js/open/include  { js_content holes.include; }
            location = /js/open/send     { js_content holes.send; }
            location = /js/open/lead     { js_content holes.lead; }
        }
CONF

my $nginx = start_nginx(
    port => $port,
    main => $njs ? "load_module $modules/ngx_http_js_module.so;" : '',
    http => http_config(http => <<"CONF"),
    underscores_in_headers on;
    proxy_cache_path $PARA_DIR/cache keys_zone=answers:1m;
    $js_http

    server {
        listen 127.0.0.1:$named;
        server_name closed.test;
        para_auth app;
        location / { proxy_pass $RAW; }
@{[verify_location()]}
    }
    server {
        listen 127.0.0.1:$named;
        server_name open.test;
        location / { proxy_pass $RAW; }
    }
CONF
    server => <<"CONF" . verify_location());
        para_auth app;
        root $PARA_DIR/www;

        location /app  {
            proxy_intercept_errors on; error_page 404 = /open/page;
            proxy_pass $APP_URL;
        }
        location /raw  { proxy_pass $RAW; }
        location /open { para_auth off; proxy_pass $RAW; }

        # a method decides
        location /limit {
            para_auth off;
            limit_except GET { para_auth app; }
            proxy_pass $RAW;
            error_page 401 /limit/page;
        }
        location /limit-mirrored {
            para_auth off;
            limit_except GET { para_auth app; }
            mirror /limit/mirrored;
            proxy_pass $RAW;
        }

        # pages of pages
        location /chain {
            error_page 401 = \@open; recursive_error_pages on;
            proxy_pass $RAW;
        }
        location \@open {
            para_auth off; recursive_error_pages on;
            proxy_intercept_errors on; error_page 404 = \@closed;
            proxy_pass $APP_URL;
        }
        location \@closed { proxy_pass $RAW; }
        location /missing {
            para_auth off; error_page 404 /inside/page;
            try_files /nothing =404;
        }
        location /gone {
            para_auth off; error_page 410 \@inside;
            try_files /nothing =410;
        }
        location /inside { internal; proxy_pass $RAW; }
        location \@inside { internal; proxy_pass $RAW; }
        location /ssi-page { error_page 401 /refused.html; proxy_pass $RAW; }
        location = /refused.html { para_auth off; ssi on; }

        # subrequests of each kind
        location /asked {
            auth_request /open/asked; proxy_pass $RAW;
        }
        location /mirrored {
            mirror /open/mirror; proxy_pass $RAW;
        }
        location /sliced {
            slice 1k; proxy_set_header Range \$slice_range;
            proxy_http_version 1.1;
            proxy_pass $RAW;
        }
        location = /led.html { ssi on; }
        location = /led-open.html { para_auth off; ssi on; }
        location /open-app {
            para_auth off;
            proxy_intercept_errors on; error_page 404 = /raw/page;
            proxy_pass $APP_URL;
        }
        location = /nested.html { ssi on; }
        location = /open-page.html { para_auth off; ssi on; }
        location /copied {
            proxy_set_header X-Copy \$http_x_para_user_id; proxy_pass $RAW;
        }
        location /open-copied {
            para_auth off;
            proxy_set_header X-Copy \$http_x_para_user_id; proxy_pass $RAW;
        }
        location /cached {
            proxy_cache answers; proxy_cache_key \$uri\$para_auth_user_id;
            proxy_cache_valid 200 1s; proxy_cache_use_stale updating;
            proxy_cache_background_update on;
            proxy_pass $RAW;
        }

        # after the answer
        location /after-open   { post_action /open/after; proxy_pass $RAW; }
        location /after-closed {
            para_auth off; post_action /raw/after; proxy_pass $RAW;
        }
        location /after-same   { post_action /raw/after; proxy_pass $RAW; }

        # the operator's to know
        location /moved  { rewrite ^ https://elsewhere.example/ redirect; }
        location /site/  { }
        location /private/ { }
        location ~ /private/.*\\.html\$ { para_auth off; }
        location /files/ { para_auth off; $dav }
$js_server
CONF

my $login = login('alice');
my $good  = credentials($login);
my $bad   = bearer(tamper($login->{jwt})) . "\n"
    . credentials($login, 'session');

my $FORGED = "X-Para-User-Id: forged\nx_para_user_id: forged\n"
    . 'X-Para-Roles: forged';


# ---- Requests, and what became of them ------------------------------------

sub ask {
    my ($path, $headers, %options) = @_;
    reset_app();
    $upstreams->forget;
    return get($port, $path, join("\n", grep {length} $headers // '', $FORGED),
        %options);
}

sub target { return (split / /, $_[0]{raw})[1] }

# The upstream's requests, when there are so many, by their targets.
sub arrived {
    my ($count) = @_;
    wait_until(10, sub { $upstreams->requests >= $count });
    sleep SETTLED if !$count;
    return sort { target($a) cmp target($b) } $upstreams->requests;
}

sub values_of {
    my ($request, $name) = @_;
    return [map { $_->[1] } grep { lc $_->[0] eq lc $name }
            @{$request->{headers}}];
}

sub free_of {
    my ($request, $name, @secrets) = @_;
    is_deeply([grep { index($request->{raw}, $_) >= 0 } 'forged', @secrets],
        [], "$name: " . (@secrets ? 'no credentials, ' : '')
        . 'nothing forged');
    return;
}

my @SECRETS = ($login->{jwt}, $login->{verificationToken});

# At an upstream as who it is, without credentials.
sub as_alice {
    my ($request, $name) = @_;
    is_deeply(values_of($request, 'X-Para-User-Id'), [$login->{userId}],
        "$name: as who it is");
    free_of($request, $name, @SECRETS);
    return;
}

# At an upstream as nobody.
sub as_nobody {
    my ($request, $name, @secrets) = @_;
    is_deeply(
        [grep {/\Ax[^a-z]para[^a-z](?!session)/i}
                map { $_->[0] } @{$request->{headers}}],
        [], "$name: as nobody"
    );
    free_of($request, $name, @secrets);
    return;
}

sub refused {
    my ($answer, $status, $name) = @_;
    is($answer->{status}, $status, "$name: $status");
    is_deeply([$upstreams->requests], [], "$name: nothing at the upstream");
    is(app_count(), 0, "$name: nor at the app");
    return;
}


# ---- Methods --------------------------------------------------------------

subtest 'limit_except' => sub {
    for my $method (qw(POST PUT DELETE PATCH OPTIONS PROPFIND COPY BREW)) {
        for my $headers ('', $bad) {
            my $answer = ask('/limit/x', $headers, method => $method);
            is($answer->{status}, 401, "$method: 401");
            my @requests = arrived(1);
            is_deeply([map { target($_) } @requests], ['/limit/page'],
                "$method: the page, which is open");
            as_nobody($_, $method) for @requests;
        }
        ask('/limit/x', $good, method => $method);
        as_alice($_, $method) for arrived(1);
    }

    my $lower = ask('/limit/x', '', method => 'post');
    refused($lower, 400, 'a method in lower case');

    # What mirrors a POST is a POST.
    ask('/limit-mirrored', $good, method => 'POST', body => 'x');
    my ($main, $mirror) = arrived(2);
    as_alice($mirror, 'its mirror');
    as_alice($main, 'the POST');
};

subtest 'TRACE and CONNECT' => sub {
    for my $path ('/raw', '/open') {
        refused(ask($path, $good, method => 'TRACE'), 405, "TRACE $path");
    }
    for my $target ('gateway:80', '/raw', '/open') {
        $upstreams->forget;
        my $answer = exchange($port, "CONNECT $target HTTP/1.1\r\n"
            . "Host: gateway:80\r\n\r\n");
        like($answer->{status}, qr/\A40[05]\z/, "CONNECT $target");
        is_deeply([$upstreams->requests], [], "CONNECT $target: nothing");
    }
};


# ---- Targets --------------------------------------------------------------

subtest 'a target with a host' => sub {
    my %expected = (
        'http://closed.test/x open.test'   => 401,
        'http://CLOSED.test:80/x open.test' => 401,
        'http://open.test/x closed.test'   => 200,
        '/x closed.test'                   => 401,
        '/x CLOSED.TEST.'                  => 401,
        '/x closed.test:1'                 => 401,
        '/x unknown.test'                  => 401,
    );
    for my $case (sort keys %expected) {
        my ($target, $host) = split / /, $case;
        $upstreams->forget;
        my $answer = exchange($named, request_text($target,
                headers => "Host: $host\n$FORGED", close => 1));
        is($answer->{status}, $expected{$case}, $case);
        my @requests = $upstreams->requests;
        is(scalar @requests, $answer->{status} == 200 ? 1 : 0,
            "$case: requests");
        as_nobody($_, $case) for @requests;
    }
    my $answer = exchange($port, request_text('http://gateway.test/raw',
            headers => $FORGED, close => 1));
    is($answer->{status}, 401, 'of a protected location');
};

subtest 'a path in other words' => sub {
    for my $path ('/raw', '/%72aw', '//raw', '/./raw', '/x/../raw',
        '/open/../raw', '/open/%2e%2e/raw', '/open/..%2fraw',
        '/open/.%2e/raw', '/raw%2f', '/raw;x', '/raw%3fx', '/raw/../raw',
        '/RAW', '/Open', '/', '/ope', '/%6Fpen%2f..%2fraw')
    {
        refused(ask($path, ''), 401, $path);
    }
    refused(ask("/raw%00", ''), 400, 'a NUL');
    refused(ask('/../raw', ''), 400, 'out of the root');

    # What is open by its prefix is open to all that the app makes of it.
    for my $path ('/open/..;/raw', '/open/%252e%252e/raw', '/open/..%5craw') {
        is(ask($path, '')->{status}, 200, "$path: open, as it begins");
        as_nobody($_, $path) for arrived(1);
    }
};


# ---- Pages and places inside ----------------------------------------------

subtest 'a page of a page' => sub {
    for my $headers ('', $bad) {
        my $answer = ask('/chain?_status=404', $headers);
        is($answer->{status}, 401, 'a refusal, an open page, a closed one');
        is_deeply([$upstreams->requests], [], 'nothing there');
        is(app_count(), 1, 'the open page was asked for');
    }

    for my $path ('/missing', '/gone') {
        refused(ask($path, ''), 401, "$path, inside, nobody");
        refused(ask($path, $bad), 401, "$path, inside, tampered");
        ask($path, $good);
        as_alice($_, "$path, inside") for arrived(1);
    }
    refused(ask('/inside/x', $good), 404, 'inside, from outside');
};

subtest 'SSI in the page of a refusal' => sub {
    for my $headers ('', $bad, credentials($login, 'jwt')) {
        my $answer = ask('/ssi-page', $headers);
        refused($answer, 401, 'the page');
        like($answer->{body}, qr/403 Forbidden/, 'its include is refused');
        like($answer->{body}, qr/--\z/, 'it tells of nobody');
    }
};


# ---- Subrequests ----------------------------------------------------------

subtest 'auth_request beside us' => sub {
    ask('/asked', $good);
    my ($main, $asked) = arrived(2);
    is(target($asked), '/open/asked', 'it was asked');

    # It goes first: what is open gets the credentials, and nobody's identity.
    as_nobody($asked, 'who is asked');
    is_deeply(values_of($asked, 'Authorization'), ["Bearer $login->{jwt}"],
        'who is asked has the credentials');
    as_alice($main, 'the request');

    is(ask('/asked', $bad)->{status}, 401, 'tampered');
    is_deeply([map { target($_) } arrived(1)], ['/open/asked'],
        'tampered: only who is asked');
};

subtest 'mirror' => sub {
    for my $method (qw(GET POST)) {
        ask('/mirrored', $good, method => $method,
            body => $method eq 'POST' ? 'the body' : undef);
        my ($main, $mirror) = arrived(2);
        is(target($mirror), '/open/mirror', 'it was mirrored');
        as_nobody($mirror, "$method, the mirror", @SECRETS);
        as_alice($main, "$method, the request");
    }
    is(ask('/mirrored', $bad)->{status}, 401, 'tampered');
    is_deeply([arrived(0)], [], 'tampered: nothing is mirrored');
};

subtest 'slice' => sub {
    my $answer = ask('/sliced/x', $good);
    is($answer->{status}, 200, 'let in');
    is(length $answer->{body}, 2500, 'all of it');
    my @requests = arrived(3);
    is(scalar @requests, 3, 'in three pieces');
    as_alice($_, 'a piece') for @requests;
    refused(ask('/sliced/x', $bad), 401, 'tampered');
};

# nginx keeps one set of variables for a request and its subrequests.
subtest 'a header as one subrequest has seen it' => sub {
    my $answer = ask('/nested.html', $good);
    is($answer->{status}, 200, 'let in');
    my ($same, $open) = arrived(2);
    is_deeply(values_of($same, 'X-Copy'), [$login->{userId}],
        'the same policy: as who it is');
    is_deeply(values_of($open, 'X-Copy'), [], 'an open place: nobody');
    as_nobody($open, 'an open place', @SECRETS);
};

subtest 'a subrequest that is led elsewhere' => sub {
    ask('/led.html', $good);
    my ($led, $page, $again) = arrived(3);
    as_nobody($led,  'to an open place',         @SECRETS);
    as_nobody($page, 'to the page of its error', @SECRETS);
    as_alice($again, 'to a protected place');

    for my $headers ('', $bad, $good) {
        my $answer = ask('/led-open.html', $headers);
        is($answer->{status}, 200, 'an open page');
        is_deeply([map { target($_) } arrived(1), arrived(0)],
            [('/open/led') x 2], 'leads to no protected place');
        as_nobody($_, 'an open page') for $upstreams->requests;
    }
};

subtest 'the cache asks again' => sub {
    ask('/cached/x', $good);
    arrived(1);
    sleep 2.1;
    is(ask('/cached/x', $good)->{status}, 200, 'the old answer');
    as_alice($_, 'asked again in the background') for my @again = arrived(1);
    is(scalar @again, 1, 'once');
};

subtest 'post_action' => sub {
    ask('/after-open', $good);
    my ($main, $after) = arrived(2);
    as_alice($main, 'the request');
    is(target($after), '/open/after', 'then an open place');
    as_nobody($after, 'an open place');

    ask('/after-closed', '');
    is_deeply([map { target($_) } arrived(1), arrived(0)],
        [('/after-closed') x 2], 'nobody: not at a closed one');
    ask('/after-closed', $good);
    ($main, $after) = arrived(2);
    as_nobody($main, 'an open request');
    as_alice($after, 'then a closed place');

    ask('/after-same', $good);
    as_alice($_, 'both of one policy') for arrived(2);
    ask('/after-same', $bad);
    is_deeply([arrived(0)], [], 'tampered: neither');
};


# ---- The operator's to know -----------------------------------------------

subtest 'what the README says' => sub {
    is(ask('/moved', '')->{status}, 302, 'a redirect by rewrite is for all');

    is(ask('/site/', '')->{status}, 401, 'an index, nobody');
    is(ask('/site/', $good)->{body}, "the site\n", 'an index');
    is(ask('/private/index.html', '')->{body}, "private\n",
        'a location by pattern comes before a prefix');

    return if !$dav;
    my $answer = ask('/files/a.txt', 'Destination: /private/b.txt',
        method => 'COPY');
    is($answer->{status}, 204, 'COPY is let in where it starts');
    ok(-e "$PARA_DIR/www/private/b.txt", 'and writes where it is told to');
};


# ---- njs ------------------------------------------------------------------

SKIP: {
    skip 'no njs: libnginx-mod-http-js', 1 if !$njs;

    subtest 'njs' => sub {
        my $answer = ask('/js/tell', $good);
        is_deeply(
            $answer->{json},
            {   user        => $login->{userId},
                header      => $login->{userId},
                credentials => ''
            },
            'a protected script: the identity, no credentials'
        );
        refused(ask('/js/tell', $bad), 401, 'a protected script, tampered');

        $answer = ask('/js/open/tell', $good);
        is_deeply(
            $answer->{json},
            {   user        => '',
                header      => '',
                credentials => "Bearer $SECRETS[0]$SECRETS[1]"
            },
            'an open script: nobody'
        );

        for my $headers ('', $bad, $good) {
            $answer = ask('/js/open/include', $headers);
            is($answer->{body}, 403, 'an open script: its subrequest');
            ask('/js/open/send', $headers);
            is_deeply([arrived(0)], [], 'a detached one');
        }
        refused(ask('/js/open/lead', ''), 401, 'a redirect, nobody');
        ask('/js/open/lead', $good);
        as_alice($_, 'a redirect') for arrived(1);

        $answer = ask('/js/include', $good);
        is($answer->{body}, 200, 'a protected script: its subrequest');
        as_alice($_, 'its subrequest') for arrived(1);
        ask('/js/send', $good);
        as_alice($_, 'a detached one') for arrived(1);
        ask('/js/lead-out', $good);
        as_nobody($_, 'a redirect to an open place') for arrived(1);
    };
}

is_healthy($nginx, 'all of this');

done_testing();
