#!/usr/bin/perl

# The call to Para: what Para gets to see, what becomes of every answer it may
# give, and that the secret key and the token go nowhere else.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use IO::Socket::INET ();
use JSON::PP         ();
use Time::HiRes      qw(sleep time);

use constant VERIFY => '/sessions/verify';

my $SECRET = secret();

sub secret {
    open my $in, '<', "$PARA_DIR/secret.key" or die "secret.key: $!";
    my $line = <$in>;
    chomp $line;
    return $line;
}

# A gateway whose one server is protected and has the shipped location.  With
# "verify" (a list of patterns and replacements), an edited one.
sub gateway {
    my (%options) = @_;
    return start_nginx(options(%options));
}

sub options {
    my (%options) = @_;

    my $server = delete $options{server} // <<"CONF";
        para_auth app;
        location / { proxy_pass $APP_URL; }
CONF
    my $verify = edited(verify_location(), @{delete $options{edit} // []});
    $options{http} = http_config(%{delete $options{config} // {}});

    return (%options, server => "$server\n$verify");
}

sub ask {
    my ($nginx, $login, %options) = @_;
    return get($nginx->{port}, delete $options{path} // '/',
        credentials($login), %options);
}

# The key and the token of a session are in nothing that the app got.
sub app_is_clean {
    my ($login, $name) = @_;

    my $seen = JSON::PP->new->encode(app_calls());
    my $bad  = grep { index($seen, $_) >= 0 } $SECRET,
        $login->{verificationToken}, $login->{jwt};

    ok(!$bad, "$name: neither key nor credentials at the app");
    return;
}


# ---- What Para receives ---------------------------------------------------

sub call_of {
    my ($name) = @_;

    my $requests = calls()->{requests};
    is(scalar @$requests, 1, "$name: one call");
    return $requests->[0] // {headers => []};
}

sub is_the_call {
    my ($login, $name) = @_;

    my $call = call_of($name);
    my %got  = map { lc $_->[0] => $_->[1] } @{$call->{headers}};
    my $body = "{\"verificationToken\":\"$login->{verificationToken}\"}";

    is($call->{method},       'POST',  "$name: method");
    is($call->{path},         VERIFY,  "$name: path");
    is($call->{query},        '',      "$name: no query");
    is($call->{http_version}, '1.1',   "$name: HTTP/1.1");
    is($call->{body},         $body,   "$name: body");
    is(scalar @{$call->{headers}}, scalar keys %got, "$name: none twice");
    is_deeply(
        \%got,
        {   'host'               => "127.0.0.1:$PARA_PORT",
            'content-type'       => 'application/json',
            'accept'             => 'application/json',
            'content-length'     => length $body,
            'x-external-api-key' => $SECRET,
        },
        "$name: these headers and no other"
    );

    return;
}

my $NOISE = join "\n", 'Cookie: a=b; sid=secret', 'X-Forwarded-For: 10.0.0.1',
    'X-Para-User-Id: mallory', 'X-External-API-Key: guess',
    'Accept-Encoding: gzip', 'User-Agent: browser', 'Range: bytes=0-10',
    'If-None-Match: "x"', 'X-Custom: 1', 'Expect: 100-continue',
    'Content-Type: text/plain';

{
    my $nginx = gateway();
    my $login = login('alice');

    reset_all();
    my $answer = get(
        $nginx->{port}, '/somewhere?a=b&token=c',
        credentials($login) . "\n$NOISE",
        method => 'PUT',
        body   => 'client body'
    );

    is($answer->{status}, 200, 'noisy request: let in');
    is($answer->{json}{body_length}, 11, 'noisy request: body at the app');
    is_the_call($login, 'noisy request');
    $nginx->stop;
}

# Whatever the levels above say, the shipped location cuts it off.
my $INHERITED = <<'CONF';
    proxy_set_header Authorization $http_authorization;
    proxy_set_header Cookie $http_cookie;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header Host $http_host;
    proxy_set_header X-Para-User-Id $http_x_para_user_id;
    proxy_set_header Content-Type text/plain;
    proxy_set_header X-External-API-Key "";
    proxy_method PUT;
    proxy_http_version 1.0;
    proxy_pass_request_headers off;
    proxy_pass_request_body off;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_next_upstream off;
    proxy_intercept_errors on;
    proxy_ignore_client_abort off;
    proxy_hide_header Content-Type;
    proxy_force_ranges on;
    client_max_body_size 8;
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    error_page 401 403 404 500 502 503 504 =200 /fine;
    slice 16;
    add_before_body /before;
    sub_filter_types *;
    sub_filter authType evil;
    ssi on;
    ssi_types *;
    charset utf-8;
CONF

for my $level (qw(http server)) {
    my $nginx = gateway(
        config => {http => $level eq 'http' ? $INHERITED : ''},
        server => ($level eq 'server' ? $INHERITED : '') . <<"CONF");
        para_auth app;
        location / {
            proxy_pass $APP_URL;
            proxy_method POST;
            proxy_pass_request_headers on;
            proxy_pass_request_body on;
            client_max_body_size 1m;
        }
        location = /before { return 200 before; }
        location = /fine { return 200 fine; }
CONF
    my $login = login('bob');

    reset_all();
    my $answer =
        get($nginx->{port}, '/', credentials($login) . "\n$NOISE",
        method => 'POST', body => 'x' x 100);

    is($answer->{status}, 200, "inherited from $level: let in");
    is_the_call($login, "inherited from $level");
    $nginx->stop;
}

# A body of one's own is inherited by every location below, this one too.
{
    my $nginx = gateway(
        config => {http => "proxy_set_body 'operator \$request_uri';"});
    my $login = login('carol');

    reset_all();
    my $answer = ask($nginx, $login, path => '/?a=b');
    is($answer->{status}, 200, 'proxy_set_body in http{}: let in');
    is_the_call($login, 'proxy_set_body in http{}');
    $nginx->stop;
}

# A mirror of the server's gets no copy of what goes to Para.
{
    my $nginx = gateway(server => <<"CONF");
        para_auth app;
        mirror /mirror;
        location / { proxy_pass $APP_URL; }
        location = /mirror { para_auth off; proxy_pass $APP_URL; }
CONF
    my $login = login('dave');

    reset_all();
    is(ask($nginx, $login)->{status}, 200, 'mirror in the server: let in');
    is_the_call($login, 'mirror in the server');
    app_is_clean($login, 'mirror in the server');
    $nginx->stop;
}


# ---- Keep-alive -----------------------------------------------------------

{
    # By name an upstream{}, as the shipped ones are: its URL has no port.
    my %options = options();
    $options{http} =~ s{api \S+;}{api http://localhost;} or die;
    $options{http} .= "upstream localhost { server 127.0.0.1:$PARA_PORT "
        . "max_fails=0; keepalive 4; }";

    my $nginx = start_nginx(%options);
    reset_all();

    for my $round (1 .. 20) {
        is(ask($nginx, login('alice'))->{status}, 200, "kept: round $round");
    }

    my $calls = calls();
    is($calls->{total},       20, 'kept: each new session is a call');
    is($calls->{connections}, 1,  'kept: all over one connection');

    my ($host) = map { $_->[1] }
        grep { lc $_->[0] eq 'host' } @{$calls->{requests}[0]{headers}};
    is($host, 'localhost', 'kept: Para\'s name is the Host');

    # 403 and other refusals do not cost the connection.
    reset_all();
    for (1 .. 5) {
        my $login = login('bob');
        end_session($login);
        is(ask($nginx, $login)->{status}, 401, 'kept: an ended session');
    }
    is(calls()->{connections}, 1, 'kept: refusals keep it');

    # What Para closes while it is idle is noticed or retried.
    reset_all();
    fault(VERIFY, 'reset', times => 1);
    my $login = login('carol');
    is(ask($nginx, $login)->{status}, 200,
        'stale: reset on a kept connection is retried');
    is(para_calls(VERIFY), 2, 'stale: once');

    reset_all();
    fault(VERIFY, 'close', times => 1);
    is(ask($nginx, login('carol'))->{status}, 200, 'stale: closed, retried');
    is(para_calls(VERIFY), 2, 'stale: once');

    $nginx->stop;
}


# ---- Faults ---------------------------------------------------------------

# Each: [what, mode, options, what Retry-After is]
my @FAULTS = (
    ['our key refused',    '401',         {}, 5],
    ['not found',          '404',         {}, 5],
    ['rate limit',         '429',         {}, 5],
    ['rate limit, 7 s',    '429',         {retry_after => 7}, 7],
    ['rate limit, 0 s',    '429',         {retry_after => 0}, 1],
    ['rate limit, an hour','429',         {retry_after => 3600}, 60],
    ['server error',       '500',         {}, 5],
    ['bad gateway',        '502',         {}, 5],
    ['unavailable',        '503',         {}, 5],
    ['gateway timeout',    '504',         {}, 5],
    ['bad request',        '400',         {}, 5],
    ['too large',          '413',         {}, 5],
    ['teapot',             '418',         {}, 5],
    ['HTML',               'html',        {}, 5],
    ['half a JSON',        'bad_json',    {}, 5],
    ['no HTTP at all',     'garbage',     {}, 5],
    ['truncated',          'truncated',   {}, 5],
    ['truncated, chunked', 'truncated_chunked', {}, 5],
    ['connection reset',   'reset',       {}, 5],
    ['connection closed',  'close',       {}, 5],
    ['redirect',           'redirect',    {}, 5],
    ['redirect to 200',    'redirect',    {status => 302,
        location => "http://127.0.0.1:$APP_PORT/redirected"}, 5],
    ['1 MB',               'oversized',   {}, 5],
    ['17 KB',              'oversized',   {size => 17000}, 5],
    ['an empty object',    'empty',       {}, 5],
    ['wrong types',        'wrong_types', {}, 5],
    ['CRLF in a value',    'crlf',        {}, 5],
    ['slow beyond',        'slow',        {delay_ms => 2500}, 5],
    ['hang',               'hang',        {}, 5],
    ['201 with the answer', 'answer',     {status => 201,
        body => {authType => 'email', identifier => 'alice@example.com'}}, 5],
    ['204',                'answer',      {status => 204}, 5],
    ['206',                'answer',      {status => 206,
        body => {authType => 'email', identifier => 'alice@example.com'}}, 5],
    ['200 and nothing',    'answer',      {body => ''}, 5],
    ['an array',           'answer',      {body => [1]}, 5],
    ['duplicate members',  'answer',      {body =>
        '{"authType":"email","authType":"email",'
        . '"identifier":"alice@example.com"}'}, 5],
    ['two values',         'answer',      {body =>
        '{"authType":"email","identifier":"alice@example.com"}{}'}, 5],
    ['X-Accel-Redirect',   'answer',      {status => 500,
        headers => {'X-Accel-Redirect' => '/open'}}, 5],
);

# Short times, so that those who hang do not cost the test much; for these
# alone, as a busy machine may be late to answer, too.
sub fault_gateway {
    my ($mode) = @_;

    return gateway(
        server => <<"CONF",
        para_auth app;
        location / { proxy_pass $APP_URL; }
        location /open { para_auth off; proxy_pass $APP_URL; }
CONF
        edit => $mode !~ /\A(?:slow|hang)\z/ ? [] : [
            'proxy_read_timeout\s+3s'          => 'proxy_read_timeout 1s',
            'proxy_next_upstream_timeout\s+6s' =>
                'proxy_next_upstream_timeout 1200ms',
        ]
    );
}

{
    # A whole answer with odd members may be one user's: it is no state of
    # Para's, and is logged once a minute at most.  Each fault has a gateway of
    # its own, which has not seen Para fail before.
    for my $one (@FAULTS) {
        my ($name, $mode, $options, $retry_after) = @$one;
        my $odd   = $mode =~ /\A(?:empty|wrong_types|crlf|400|422)\z/;
        my $held  = defined $options->{retry_after};
        my $nginx = fault_gateway($mode);
        my $login = login('alice');

        reset_all();
        fault(VERIFY, $mode, %$options);

        for my $try (1, 2) {
            my $answer = ask($nginx, $login);
            is($answer->{status}, 503, "$name: 503, try $try");
            is($answer->{header}{'retry-after'},
                $retry_after, "$name: Retry-After, try $try");
            ok(!$answer->{header}{'www-authenticate'},
                "$name: no challenge, try $try");
        }

        is(app_count(), 0, "$name: nothing at the app");
        $held
            ? is(para_calls(VERIFY), 1, "$name: not asked again before")
            : cmp_ok(para_calls(VERIFY), '>=', 2,
                "$name: asked again, not cached");
        is(para_calls(), para_calls(VERIFY), "$name: nothing else was asked");

        my $log = new_log($nginx);
        is( lines_like(
                '\[error\].*para_auth: Para (?:is unavailable|refuses)', $log),
            $odd ? 0 : 1,
            "$name: one line at error"
        );
        is(lines_like('\[error\].*an answer of Para\'s is refused', $log),
            $odd ? 1 : 0, "$name: odd answers, once");
        is(lines_like('refused, code para_unavailable', $log),
            2, "$name: a line for each refusal");
        like($log, qr/secret API key \(401\)/, "$name: says what to check")
            if $mode eq '401';

        fault(VERIFY, 'off');
        if (!$held) {
            is(ask($nginx, $login)->{status}, 200, "$name: and passes again");
            is(app_count(), 1, "$name: once at the app");
            is(lines_like('\[notice\].*Para answers again', new_log($nginx)),
                $odd ? 0 : 1, "$name: one line that says so");
        }
        $nginx->stop;
    }

    my $nginx = fault_gateway('none');

    # Within the time that is given, it is only slow.
    reset_all();
    fault(VERIFY, 'slow', delay_ms => 200, times => 1);
    my $began = time;
    is(ask($nginx, login('alice'))->{status}, 200, 'slow within: let in');
    cmp_ok(time - $began, '>=', 0.2, 'slow within: waited for it');
    is(para_calls(VERIFY), 1, 'slow within: one call');

    # Good answers that nginx must get over.
    my %answer = (
        'X-Accel-Redirect in a good answer' =>
            {headers => {'X-Accel-Redirect' => '/open'}},
        'members that nobody knows' => {more => {x => [1, {y => 2}]}},
        'Set-Cookie' => {headers => {'Set-Cookie' => 'para=1'}},
        'X-Accel-Limit-Rate' => {headers => {'X-Accel-Limit-Rate' => '1'}},
        'Content-Encoding that lies' =>
            {headers => {'Content-Encoding' => 'gzip'}},
    );

    for my $name (sort keys %answer) {
        my $login = login('alice');

        reset_all();
        fault(
            VERIFY, 'answer',
            headers => $answer{$name}{headers} // {},
            body    => {
                authType   => $login->{user}{authType},
                identifier => $login->{user}{identifier},
                %{$answer{$name}{more} // {}},
                ( $login->{user}{oAuthMethod}
                    ? (oAuthMethod => $login->{user}{oAuthMethod}) : ()
                ),
            }
        );

        my $answer = ask($nginx, $login);
        is($answer->{status}, 200, "$name: let in");
        is($answer->{json}{para}{'X-Para-User-Id'},
            $login->{userId}, "$name: as who it is");
        ok(!$answer->{header}{'set-cookie'}, "$name: nothing comes through");
    }

    # 403 is Para's word: cached, but not for longer than configured.
    my $login = login('alice');
    end_session($login);
    reset_all();
    new_log($nginx);

    for (1 .. 3) {
        my $answer = ask($nginx, $login);
        is($answer->{status}, 401, '403 of Para: 401');
        like($answer->{header}{'www-authenticate'},
            qr/session expired/, '403 of Para: says that it has ended');
        ok(!$answer->{header}{'retry-after'}, '403 of Para: no Retry-After');
    }
    is(para_calls(VERIFY), 1, '403 of Para: one call');
    is(app_count(),        0, '403 of Para: nothing at the app');
    is(lines_like('\[error\]', new_log($nginx)), 0,
        '403 of Para: not an error');

    # The secret was in none of the lines, nor any credential.
    my $all = $nginx->error_log;
    for my $text ($SECRET, @$login{qw(verificationToken jwt)}) {
        ok(index($all, $text) < 0, 'neither key nor credential in the log');
    }

    $nginx->stop;
}

# Nobody listens where Para should be.
{
    my $dead = free_ports() + 9;
    my %options = options();
    $options{http} =~ s{api \S+;}{api http://127.0.0.1:$dead;} or die;

    my $nginx = start_nginx(%options);
    my $login = login('alice');
    reset_all();

    for (1, 2) {
        my $answer = ask($nginx, $login);
        is($answer->{status}, 503, 'connection refused: 503');
        is($answer->{header}{'retry-after'}, 5,
            'connection refused: Retry-After');
    }
    is(app_count(), 0, 'connection refused: nothing at the app');
    is(lines_like('\[error\].*para_auth: Para is unavailable',
        new_log($nginx)), 1, 'connection refused: one line');
    $nginx->stop;
}


# ---- How long Para's word counts ------------------------------------------

{
    my $nginx = gateway(server => <<"CONF");
        para_auth app;
        para_auth_session_cache valid=5s negative=2s;
        location / { proxy_pass $APP_URL; }
        location /none {
            para_auth_session_cache valid=0 negative=0;
            proxy_pass $APP_URL;
        }
CONF
    my ($good, $bad) = (login('alice'), login('bob'));
    end_session($bad);
    reset_all();

    is(ask($nginx, $good)->{status}, 200, 'valid: asked') for 1 .. 3;
    is(para_calls(VERIFY), 1, 'valid: once');
    is(ask($nginx, $bad)->{status}, 401, 'negative: asked') for 1 .. 3;
    is(para_calls(VERIFY), 2, 'negative: once');

    sleep 2.3;
    is(ask($nginx, $bad)->{status}, 401, 'negative: over');
    is(para_calls(VERIFY), 3, 'negative: asked again');
    is(ask($nginx, $good)->{status}, 200, 'valid: not yet over');
    is(para_calls(VERIFY), 3, 'valid: not asked again');

    sleep 3.2;
    end_session($good);
    is(ask($nginx, $good)->{status}, 401, 'valid: over, and Para is asked');
    is(para_calls(VERIFY), 4, 'valid: asked again');

    # A session that ended and is good again (never so with Para, but the
    # gateway must not hold on to what it knew).
    reset_all();
    my $login = login('carol');
    # (What Para said in the same millisecond is news still.)
    for (1 .. 3) {
        is(ask($nginx, $login, path => '/none')->{status}, 200, 'valid=0');
        sleep 0.01;
    }
    is(para_calls(VERIFY), 3, 'valid=0: asked each time');

    fault(VERIFY, '403', times => 1);
    is(ask($nginx, $login, path => '/none')->{status}, 401, 'negative=0');
    sleep 0.01;
    is(ask($nginx, $login, path => '/none')->{status}, 200,
        'negative=0: asked each time');

    # Para's failure does not end what it confirmed a moment ago.
    reset_all();
    $login = login('dave');
    is(ask($nginx, $login)->{status}, 200, 'failure: confirmed before');
    fault(VERIFY, '500');
    is(ask($nginx, $login)->{status}, 200, 'failure: still counts');
    sleep 5.3;
    is(ask($nginx, $login)->{status}, 503, 'failure: and then no more');
    is(app_count(), 2, 'failure: nothing more at the app');
    $nginx->stop;
}


# ---- The marked location --------------------------------------------------

{
    my $internal_off = ['^    internal;$' => ''];

    for my $edit ([], $internal_off) {
        my $what = @$edit ? 'without "internal"' : 'as shipped';
        my $nginx = gateway(
            edit   => $edit,
            server => <<"CONF");
        para_auth app;
        location / { proxy_pass $APP_URL; }
        location /open { para_auth off; proxy_pass $APP_URL; }
        location /rewrite { rewrite ^ /_para_auth/verify last; }
        location /rewrite-open {
            para_auth off; rewrite ^ /_para_auth/verify last;
        }
        location /error {
            para_auth off;
            error_page 418 /_para_auth/verify;
            return 418;
        }
        location /error200 {
            para_auth off;
            error_page 404 =200 /_para_auth/verify;
            root /nonexistent;
        }
        location /try { para_auth off; try_files /n /_para_auth/verify; }
        location /accel { para_auth off; proxy_pass $APP_URL; }
        location /index { para_auth off; root /nonexistent; }
        location = /ssi.html {
            para_auth off; ssi on; root $PARA_DIR/www;
        }
        location /auth-request {
            para_auth off; auth_request /_para_auth/verify;
            proxy_pass $APP_URL;
        }
        location /mirrored {
            para_auth off; mirror /_para_auth/verify;
            proxy_pass $APP_URL;
        }
        location /add {
            para_auth off; add_after_body /_para_auth/verify;
            proxy_pass $APP_URL; addition_types *;
        }
        location /before-add {
            add_after_body /_para_auth/verify;
            proxy_pass $APP_URL; addition_types *;
        }
CONF
        mkdir "$PARA_DIR/www";
        put_file('www/ssi.html',
            'before<!--#include virtual="/_para_auth/verify" -->after');

        my $login = login('alice');
        reset_all();

        for my $path (
            qw(/_para_auth/verify /rewrite-open /error /error200 /try
            /accel?_header=X-Accel-Redirect:/_para_auth/verify
            /_para_auth/../_para_auth/verify /_para_auth%2fverify
            /rewrite)
            )
        {
            for my $method (qw(GET POST HEAD)) {
                my $answer = ask(
                    $nginx, $login,
                    path   => $path,
                    method => $method,
                    ( $method eq 'POST'
                        ? (body => '{"verificationToken":"x"}') : ()
                    )
                );
                is($answer->{status}, 404, "$what: $method $path is 404");
            }
        }

        is(para_calls(), 0, "$what: no call");

        my $ssi = ask($nginx, $login, path => '/ssi.html');
        is($ssi->{status}, 200, "$what: SSI page");
        like($ssi->{body}, qr/\Abefore.*404 Not Found.*after\z/s,
            "$what: the include is not found");

        is(ask($nginx, $login, path => '/auth-request')->{status},
            500, "$what: auth_request fails closed");
        is(ask($nginx, $login, path => '/mirrored')->{status},
            200, "$what: mirror");
        like(ask($nginx, $login, path => '/add')->{body},
            qr/404 Not Found/, "$what: addition");
        is(para_calls(), 0, "$what: no call by subrequests either");

        # Also as a subrequest of a request that had one of ours itself.
        like(ask($nginx, $login, path => '/before-add')->{body},
            qr/404 Not Found/, "$what: addition, after our own call");
        is(para_calls(), 1, "$what: our own");
        $nginx->stop;
    }
}

# The call itself is led astray: nobody else may get it.
my %ASTRAY = (
    'server rewrite' => 'rewrite ^/_para_auth/ /open;',
    'server rewrite to a protected place' => 'rewrite ^/_para_auth/ /other;',
    'server return' => 'if ($uri ~ ^/_para) { return 200 "{}"; }',
    'server rewrite to another provider\'s location' =>
        'rewrite ^/_para_auth/verify$ /_other/verify;',
);

my %ASTRAY_LOCATION = (
    'rewrite in the location'  => 'rewrite ^ /open last;',
    'rewrite in the location, break' => 'rewrite ^ /open break;',
    'return in the location'   => 'return 200 "{}";',
    'try_files in the location'      => 'try_files /nothing /open;',
    'try_files, named'               => 'try_files /nothing @open;',
    'limit_except in the location'   =>
        "limit_except GET { proxy_pass $APP_URL; }",
    'if in the location'             =>
        "if (\$uri) { proxy_pass $APP_URL; }",
    'X-Accel-Redirect'               => 'proxy_ignore_headers X-Accel-Expires;',
    'X-Accel-Redirect, named'        => 'proxy_ignore_headers X-Accel-Expires;',
);

sub astray {
    my ($name, %options) = @_;

    my $other = edited(
        verify_location(),
        '/_para_auth/verify' => '/_other/verify',
        'app verify'         => 'other verify'
    );
    my %conf = options(
        edit   => $options{edit} // [],
        server => <<"CONF");
        @{[$options{server} // q{}]}
        location / { para_auth app; proxy_pass $APP_URL; }
        location /other { para_auth other; proxy_pass $APP_URL; }
        location /open { proxy_pass $APP_URL; }
        location \@open { proxy_pass $APP_URL; }
        $other
CONF
    # Another provider, of another key, whose Para is the app.
    put_file('other.key', "other-secret\n", oct '0400');
    $conf{http} .= <<"CONF";
    para_auth_provider other {
        api $APP_URL;
        audience $PARA_AUDIENCE;
        secret_key_file $PARA_DIR/other.key;
        key_file $PARA_DIR/jwks.json;
    }
CONF

    my $nginx = start_nginx(%conf);
    my $login = login('erin');

    reset_all();
    $options{before}->() if $options{before};

    for (1 .. 2) {
        is(ask($nginx, $login)->{status}, $options{status} // 503, $name);
    }

    app_is_clean($login, $name);
    is(app_count(), 0, "$name: nothing at the app") if !$options{status};

    my $said = 'para_auth: the call to Para was led to';
    my $log  = new_log($nginx);
    is(lines_like($said, $log), 1, "$name: the log says so once")
        if $options{logged} // 1;
    ok(index($log, $SECRET) < 0, "$name: no key in the log");
    $nginx->stop;

    return;
}

astray($_, server => $ASTRAY{$_}, logged => !/return/) for sort keys %ASTRAY;

for my $name (sort keys %ASTRAY_LOCATION) {
    my @edit = ('^    internal;$' => "    internal; $ASTRAY_LOCATION{$name}");
    my %more;

    if ($name =~ /X-Accel/) {
        @edit = ('proxy_ignore_headers[^;]*;' => $ASTRAY_LOCATION{$name});
        my $to = $name =~ /named/ ? '@open' : '/open';
        $more{before} = sub {
            fault(VERIFY, 'answer', headers => {'X-Accel-Redirect' => $to},
                body => {
                    authType   => 'farcaster',
                    identifier => 'erin.eth',
                });
        };
    }

    $more{logged} = 0      if $name =~ /return/;
    if ($name =~ /break/) {

        # It stays in its location: the URI of proxy_pass is a variable's.
        $more{status} = 200;
        $more{logged} = 0;
    }
    astray($name, edit => \@edit, %more);
}

# Where a proxy_pass with a variable leads is known only when it goes: what
# does not go to Para has neither key nor token in it.
{
    my %elsewhere = (
        'another host'   => "http://127.0.0.2:$APP_PORT",
        'another port'   => "http://127.0.0.1:$APP_PORT",
        'another scheme' => "https://127.0.0.1:$PARA_PORT",
        'no host'        => 'http://',
    );
    my $listening = IO::Socket::INET->new(
        LocalAddr => '127.0.0.2',
        LocalPort => $APP_PORT,
        Listen    => 5,
        ReuseAddr => 1,
    ) or die "127.0.0.2: $!";

    for my $name (sort keys %elsewhere) {
        my $nginx = start_nginx(options(
            edit => [
                'proxy_pass\s+\S+;' => 'proxy_pass $elsewhere/sessions/verify;',
                'proxy_read_timeout\s+\S+;' => 'proxy_read_timeout 300ms;',
            ],
            config =>
                {http => "map 1 \$elsewhere { default $elsewhere{$name}; }"},
        ));
        my $login = login('erin');
        reset_all();

        is(ask($nginx, $login)->{status}, 503, "proxy_pass to $name");
        app_is_clean($login, "proxy_pass to $name");

        while (IO::Select->new($listening)->can_read(0)) {
            my $peer = $listening->accept;
            $peer->blocking(0);
            sysread $peer, my $got, 65536;
            unlike($got, qr/\Q$SECRET\E/, "proxy_pass to $name: no key");
            unlike($got, qr/\Q$login->{verificationToken}\E/,
                "proxy_pass to $name: no token");
        }

        my $log = new_log($nginx);
        like($log, qr/leads to another host than the provider's, key and token/,
            "proxy_pass to $name: the log says so")
            if $name ne 'no host' && $name ne 'another scheme';
        ok(index($log, $SECRET) < 0, "proxy_pass to $name: no key in the log");
        $nginx->stop;
    }
}

# A location that does not ask for the key has no token to send either.
{
    my $nginx = start_nginx(options(
        edit => [
            'proxy_set_header\s+X-External-API-Key[^;]*;' => '',
            'proxy_pass\s+\S+;' => "proxy_pass $PARA_URL/sessions/verify;",
        ],
        server => <<"CONF"));
        location / { para_auth app; proxy_pass $APP_URL; }
        location /other { proxy_set_header X-A \$para_auth_secret_key;
            proxy_pass $APP_URL; }
CONF
    my $login = login('erin');
    reset_all();

    is(ask($nginx, $login)->{status}, 503, 'no key: refused');
    like(new_log($nginx), qr/asked Para without the secret key: write "proxy_se/,
        'no key: the log says what to write');
    unlike(calls()->{requests}[0]{body}, qr/\Q$login->{verificationToken}\E/,
        'no key: no token');
    $nginx->stop;
}

# The key is a variable, and empty to everybody who asks for it elsewhere.
{
    my $nginx = start_nginx(options(
        edit => [
            '^    internal;$' => '    internal; set $stolen '
                . '"<$para_auth_secret_key>"; log_subrequest on;',
            'access_log\s+off' => 'access_log stolen.log stolen',
        ],
        config =>
            {http => 'log_format stolen "$stolen <$para_auth_secret_key>";'},
        server => <<"CONF"));
        add_header X-Key "<\$para_auth_secret_key>" always;
        location / { para_auth app; proxy_pass $APP_URL;
            proxy_set_header X-Key "<\$para_auth_secret_key>"; }
CONF
    my $login  = login('erin');
    reset_all();
    my $answer = ask($nginx, $login);

    is($answer->{status}, 200, 'the key elsewhere: the request passes');
    is($answer->{header}{'x-key'}, '<>', 'the key elsewhere: not to the client');
    app_is_clean($login, 'the key elsewhere');

    wait_until(5, sub { -s "$nginx->{dir}/stolen.log" });
    open my $in, '<', "$nginx->{dir}/stolen.log" or die "stolen.log: $!";
    is(scalar <$in>, "<> <->\n", 'the key elsewhere: not in the access log');
    $nginx->stop;
}

# A verdict cannot be made by pages.
{
    my $pages = <<'CONF';
        error_page 400 401 403 404 413 429 500 502 503 504 =200 /page;
        recursive_error_pages on;
CONF
    my %conf = options(
        edit => ['proxy_intercept_errors\s+off' =>
                'recursive_error_pages on; proxy_intercept_errors off'],
        server => <<"CONF");
        $pages
        location / { para_auth app; proxy_pass $APP_URL; }
        location = /page {
            default_type application/json;
            return 200 '{"authType":"email","identifier":"x"}';
        }
CONF
    my $nginx = start_nginx(%conf);

    for my $mode (qw(401 403 404 413 429 500 502 503 504 reset garbage)) {
        my $login = login('alice');
        reset_all();
        fault(VERIFY, $mode);

        my $answer = ask($nginx, $login);
        is($answer->{status}, 200, "error_page, $mode: the client gets it");
        like($answer->{body}, qr/identifier":"x"/, "error_page, $mode: page");
        ok(!$answer->{header}{'www-authenticate'},
            "error_page, $mode: no challenge on success");
        is(app_count(), 0, "error_page, $mode: nothing at the app");
    }
    $nginx->stop;
}


# ---- What "nginx -t" refuses ----------------------------------------------

sub refused {
    my ($name, $pattern, %conf) = @_;

    my ($good, $said) = check_nginx(%conf);
    ok(!$good, "nginx -t: $name is refused");
    like($said, $pattern, "nginx -t: $name: says why");
    unlike($said, qr/\Q$SECRET\E/, "nginx -t: $name: no key");
    return;
}

{
    my ($good, $said) = check_nginx(options());
    ok($good, 'nginx -t: as shipped is good') or diag($said);
    is(lines_like('para_auth', $said), 0, 'nginx -t: and has nothing to say');
}

refused(
    'no verify location',
    qr/has no way to Para for "app": include para-auth-verify\.conf/,
    http   => http_config(),
    server => "para_auth app; location / { proxy_pass $APP_URL; }"
);

refused(
    'an unmarked verify location',
    qr/has no way to Para for "app"|para_auth_api/,
    options(
        edit => [
            'para_auth_upstream\s+app verify;' => '',
            '\$para_auth_api(?=/)'                  => $PARA_URL,
        ]
    )
);

refused(
    'a location marked for another provider',
    qr/has no way to Para for "app"/,
    do {
        my %conf = options(edit => ['app verify' => 'other verify']);
        $conf{http} .= <<"CONF";
    para_auth_provider other {
        api $PARA_URL;
        audience any;
        secret_key_file $PARA_DIR/secret.key;
        key_file $PARA_DIR/jwks.json;
    }
CONF
        %conf;
    }
);

refused('an unknown provider', qr/unknown provider "nobody"/,
    options(edit => ['app verify' => 'nobody verify']));

refused(
    'two locations for one provider',
    qr/another location for "app verify" already/,
    options(
        server => "para_auth app;\n"
            . edited(verify_location(), '/_para_auth/verify' => '/_second')
    )
);

refused('a prefix location', qr/exact location only/,
    options(edit => ['location = ' => 'location ']));

refused(
    'no proxy_pass',
    qr/no proxy_pass to Para/,
    options(edit => ['^    proxy_pass [^;]*;' => ''])
);

refused(
    'a proxy_pass to another host',
    qr/leads to another host/,
    options(edit => ['\$para_auth_api(?=/)' => $APP_URL])
);

refused(
    'a proxy_pass by TLS to the same host',
    qr/leads to another host/,
    options(edit => ['\$para_auth_api(?=/)' => "https://127.0.0.1:$PARA_PORT"])
);

refused(
    'proxy_cache in the location',
    qr/answer from a cache is no verdict/,
    options(
        config => {http => "proxy_cache_path $PARA_DIR/c1 keys_zone=c:1m;"},
        edit   => ['proxy_cache\s+off;' => 'proxy_cache c;']
    )
);

refused(
    'proxy_cache inherited from http{}',
    qr/answer from a cache is no verdict/,
    options(
        config => {
            http => "proxy_cache_path $PARA_DIR/c2 keys_zone=c:1m;"
                . ' proxy_cache c;',
        },
        edit => ['proxy_cache\s+off;' => '']
    )
);

# Also one whose name is known at run time only.
refused(
    'proxy_cache by a variable',
    qr/answer from a cache is no verdict/,
    options(
        config => {
            http => "proxy_cache_path $PARA_DIR/c3 keys_zone=c:1m;\n"
                . 'map $uri $cache { default c; }',
        },
        edit => ['proxy_cache\s+off;' => 'proxy_cache $cache;']
    )
);

refused(
    'proxy_intercept_errors inherited from http{}',
    qr/error page is no verdict/,
    options(
        config => {http => 'proxy_intercept_errors on;'},
        edit   => ['proxy_intercept_errors\s+off;' => '']
    )
);

refused(
    'proxy_pass_request_headers off',
    qr/must get the request as it is/,
    options(
        edit => [
            'proxy_pass_request_headers\s+on' =>
                'proxy_pass_request_headers off'
        ]
    )
);

{
    my %conf = options();
    $conf{http} =~ s{api \S+;}{api https://para.invalid;} or die;
    refused('a host that nobody can find', qr/nothing says where Para/,
        %conf);

    # An upstream{} serves only URLs that name no port.
    $conf{http} =~ s{api \S+;}{api https://para.invalid:8443;} or die;
    $conf{http} .= "upstream para.invalid { server 127.0.0.1:$APP_PORT; }\n";
    refused('an upstream{} that the port keeps from being used',
        qr/nothing says where Para/, %conf);
}

# The same host by a static URL is fine, and works.
{
    my $nginx = gateway(edit => ['\$para_auth_api(?=/)' => $PARA_URL]);
    reset_all();
    my $login = login('frank');
    is(ask($nginx, $login)->{status}, 200, 'static proxy_pass: let in');
    is_the_call($login, 'static proxy_pass');
    $nginx->stop;
}

done_testing();
