#!/usr/bin/perl

# Revocations: who and what is ended, for whom that holds and for whom it does
# not, in all workers at once; that it outlives reloads, restarts and deaths;
# and that "done" is said of nothing that is not on disk.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use Digest::SHA qw(sha256_hex);
use Fcntl       qw(F_SETLK F_WRLCK SEEK_SET);
use JSON::PP    ();
use Math::BigInt ();
use MIME::Base64 qw(decode_base64 decode_base64url encode_base64
    encode_base64url);
use Time::HiRes qw(sleep time);

use constant {
    VERIFY   => '/sessions/verify',
    SIZE_MAX => 32_768,
    SLOW     => 500,                    # ms
    MONTH    => 30 * 86_400,
    DAY      => 86_400,
    SMALL    => '32k',

    # FIPS 186-4 D.1.2.3: the order of P-256
    P256_N => '0xffffffff00000000ffffffffffffffff'
        . 'bce6faada7179e84f3b9cac2fc632551',
};

my $JSON = JSON::PP->new->canonical;
my $ROOT = $> == 0;

my ($mounted, $states) = (undef, 0);

# Also if the test dies, and before its directory goes.
END {
    local $?;
    system 'umount', '-l', $mounted if defined $mounted;
}

sub state_path { return "$PARA_DIR/state-" . ++$states }

# Options: state (path), revoke (parameters of the directive), provider and
# server (more lines), and those of start_nginx().
sub options {
    my (%options) = @_;

    my $state    = delete $options{state} // state_path();
    my $size     = delete $options{size};
    my $provider = delete $options{provider} // '';
    my $server   = delete $options{server} // '';
    my $h2       = delete $options{h2} // free_ports() + 5;
    my $revoke   = join ' ', 'para_auth_revoke app', $size ? "size=$size" : ();

    return (
        workers => 2,
        http    => http_config(
            provider => "        state_path $state;\n"
                . "        public_key $PARA_PUBLIC_KEY;\n$provider"),
        server => <<"CONF" . verify_location() . touch_location(),
        listen 127.0.0.1:$h2 http2;
        add_header X-Cache \$para_auth_cache always;
        client_body_buffer_size 1k;
        large_client_header_buffers 4 32k;
        para_auth app;
        location / { proxy_pass $APP_URL; }
        location /jwt { para_auth app jwt; proxy_pass $APP_URL; }
        location /session { para_auth app session; proxy_pass $APP_URL; }
        location = /revoke {
            para_auth off;
            $revoke;
            allow 127.0.0.1;
            deny all;
            if (\$arg_if) { set \$any 1; }
        }
$server
CONF
        %options
    );
}

# The same with {state}: where its state is.
sub gateway {
    my (%options) = @_;

    $options{state} //= state_path();
    $options{h2}    //= free_ports() + 5;
    my $nginx = start_nginx(options(%options));
    @$nginx{qw(state list h2)} =
        ($options{state}, "$options{state}/revoked-app.list", $options{h2});

    return $nginx;
}

sub post {
    my ($nginx, $body, %options) = @_;

    return get(
        $nginx->{port}, $options{path} // '/revoke',
        $options{headers} // 'Content-Type: application/json',
        method => $options{method} // 'POST',
        body   => $body,
    );
}

sub revoke {
    my ($nginx, %what) = @_;
    return post($nginx, $JSON->encode(\%what));
}

# It must be done.
sub revoked {
    my ($nginx, $name, %what) = @_;

    my $answer = revoke($nginx, %what);
    my ($kind) = grep { $_ ne 'ttl' } keys %what;

    is($answer->{status}, 200, "$name: done") or diag $answer->{body};
    is($answer->{json}{ended}, $kind, "$name: says what");
    return $answer->{json}{until};
}

sub ask {
    my ($nginx, $path, $login) = @_;

    my $layer = $path =~ m{\A/(jwt|session)} ? $1 : undef;
    return get($nginx->{port}, $path, credentials($login, $layer));
}

sub refused {
    my ($nginx, $name, $path, $login, $reason) = @_;

    my $answer = ask($nginx, $path, $login);
    is($answer->{status}, 401, "$name: refused at $path");

    my $said = $answer->{header}{'www-authenticate'} // '';
    my ($log) = reverse grep {/para_auth: refused/} split /\n/,
        $nginx->error_log;

    if ($reason eq 'session_revoked') {
        like($said, qr/error_description="session expired"/,
            "$name: as any session that has ended");
    }
    else {
        like($said, qr/\ABearer realm="para", error="invalid_token"\z/,
            "$name: as any bad token");
    }

    like($log // '', qr/reason \Q$reason\E,/, "$name: the log knows why");
    return;
}

sub let_in {
    my ($nginx, $name, $path, $login) = @_;

    my $answer = ask($nginx, $path, $login);
    is($answer->{status}, 200, "$name: let in at $path");
    # Of a verification token alone nobody knows the id.
    my $nobody = $path =~ m{^/session} ? $login->{userId} : 'nobody';
    is(($answer->{json} // {})->{para}{'X-Para-User-Id'} // $nobody,
        $login->{userId}, "$name: as who he is");
    return $answer;
}

# A login whose JWT has other claims.
sub with_claims {
    my ($login, %claims) = @_;
    return {%$login, jwt => para_jwt($login, %claims)};
}

# An ES256 token with (r, n - s) for (r, s): as good, without any key.
sub other_signature {
    my ($jwt) = @_;

    my ($input, $signature) = $jwt =~ /\A(.*)\.([^.]*)\z/ or die;
    my ($r, $s) = unpack '(H64)2', decode_base64url($signature);
    my $other = Math::BigInt->new(P256_N)->bsub("0x$s")->as_hex =~ s/^0x//r;

    return "$input."
        . encode_base64url(pack 'H64 H64', $r, '0' x (64 - length $other)
            . $other);
}

# An exported session whose cookie is written otherwise: its value, changed by
# a sub, and what is behind it.
sub other_cookie {
    my ($login, $change, $more) = @_;

    my $blob = $JSON->decode(decode_base64($login->{exportedSession}));
    my ($name, $value) = $blob->{sessionCookie} =~ /\A([^=]*)=([^;]*)/ or die;
    $blob->{sessionCookie} = "$name=" . $change->($value) . ($more // '');

    return {%$login,
        verificationToken => encode_base64($JSON->encode($blob), '')};
}

sub reload {
    my ($nginx, $name) = @_;

    my @before = workers_of($nginx);
    $nginx->reload;

    return ok(
        wait_until(
            10,
            sub {
                my %now = map { $_ => 1 } workers_of($nginx);
                keys %now >= @before && !grep { $now{$_} } @before;
            }
        ),
        "$name: reloaded"
    );
}

sub lines_of {
    my ($nginx) = @_;
    return grep {length} split /\n/, slurp($nginx->{list});
}

sub write_file {
    my ($path, $text, $mode) = @_;
    open my $out, $mode // '>:raw', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    return;
}

sub edit_conf {
    my ($nginx, $from, $to) = @_;
    my $conf = slurp($nginx->{file});
    $conf =~ s/$from/$to/ or die "no $from";
    write_file($nginx->{file}, $conf);
    return;
}

# ---- What can be ended -----------------------------------------------------

my $nginx = gateway();
my $bob   = login('bob');
let_in($nginx, 'bob', $_, $bob) for '/', '/jwt', '/session';

{
    my $login = login('alice');
    let_in($nginx, 'user', $_, $login) for '/', '/jwt';
    is(ask($nginx, '/', $login)->{header}{'x-cache'}, 'HIT', 'user: known');

    my $now   = int time;
    my $until = revoked($nginx, 'user', user => $login->{userId});
    cmp_ok(abs($until - $now - MONTH), '<=', 5, 'user: for thirty days');

    my $calls = para_calls(VERIFY);
    refused($nginx, 'user', $_, $login, 'token_revoked') for '/', '/jwt';
    is(para_calls(VERIFY), $calls, 'user: without a call to Para');

    # Of a verification token Para does not say whose id it is.
    let_in($nginx, 'user: a verification token alone', '/session', $login);

    refused($nginx, 'user, no iat', $_, with_claims($login, iat => undef),
        'token_revoked')
        for '/', '/jwt';
    refused($nginx, 'user, iat of the time', '/jwt',
        with_claims($login, iat => $now), 'token_revoked');

    # nginx's clock may be in the next second already.
    my $later = with_claims($login, iat => $now + 3);
    let_in($nginx, 'user, a later token', $_, $later) for '/', '/jwt';

    $calls = para_calls(VERIFY);
    let_in($nginx, 'user: not another', $_, $bob)
        for '/', '/jwt', '/session';
    is(para_calls(VERIFY), $calls, 'user: nobody is asked for again');
    is(ask($nginx, '/jwt', $bob)->{header}{'x-cache'}, 'HIT',
        'user: and the other is known again');
}

# The operator's own id of the user.
{
    my $other = gateway(provider => own_issuer());
    my ($carol, $dave) =
        map { {%{login($_)}, jwt => own_jwt(user => $_)} } qw(carol dave);

    let_in($other, 'own id', '/jwt', $_) for $carol, $dave;
    revoked($other, 'own id', user => 'u-carol');
    refused($other, 'own id', '/jwt', $carol, 'token_revoked');
    let_in($other, 'own id: not another', '/jwt', $dave);
    is_healthy($other, 'own id');
    $other->stop;
}

{
    my $login = login('carol');
    my $again = login('carol');
    let_in($nginx, 'session', $_, $login) for '/', '/session';

    revoked($nginx, 'session', session => $login->{verificationToken});
    refused($nginx, 'session', $_, $login, 'session_revoked')
        for '/', '/session';
    let_in($nginx, 'session: its token alone', '/jwt', $login);
    let_in($nginx, 'session: not another of the user', $_, $again)
        for '/', '/session';
    let_in($nginx, 'session: not another user', '/', $bob);
}

# An exported session of the same: its own form ends it, and so does its
# verification token, which Para says with it.
for my $form (qw(exportedSession verificationToken)) {
    my ($login, $again) = map {
        my $session = login('erin');
        +{%$session, token => $session->{verificationToken},
            verificationToken => $session->{exportedSession}}
    } 1 .. 2;
    my $name = "exported, by $form";
    let_in($nginx, $name, $_, $login) for '/', '/session';

    revoked($nginx, $name, session => $form eq 'exportedSession'
        ? $login->{exportedSession} : $login->{token});
    refused($nginx, $name, $_, $login, 'session_revoked')
        for '/', '/session';
    let_in($nginx, "$name: its JWT alone", '/jwt', $login);
    let_in($nginx, "$name: not another of the user", $_, $again)
        for '/', '/session';
}

# Of an exported session Para says whose it is.
{
    my $login = login('frank');
    my $exported = {%$login,
        verificationToken => $login->{exportedSession}};
    my $other = gateway();
    let_in($other, 'exported, user', '/session', $exported);
    revoked($other, 'exported, user', user => $login->{userId});
    refused($other, 'exported, user', '/session', $exported,
        'session_revoked');
    refused($other, 'exported, user, both', '/', $exported, 'token_revoked');
    my $later = with_claims($exported, iat => int(time) + 3);
    let_in($other, 'exported, user, a later token', '/', $later);
    is_healthy($other, 'exported');
    $other->stop;
}

for my $form (qw(text hash)) {
    my $login = with_claims(login('dave'), jti => $form);
    my $again = with_claims($login, jti => "again-$form");
    let_in($nginx, "token by $form", $_, $login) for '/', '/jwt';

    revoked($nginx, "token by $form", token => $form eq 'text'
        ? $login->{jwt} : sha256_hex($login->{jwt}));
    refused($nginx, "token by $form", $_, $login, 'token_revoked')
        for '/', '/jwt';
    let_in($nginx, "token by $form: the session alone", '/session', $login);
    let_in($nginx, "token by $form: not another of the user", '/', $again);
}

{
    my $login = login('erin');
    my ($one, $two) = map { with_claims($login, jti => $_) } 'one', 'two';
    let_in($nginx, 'jti', '/jwt', $_) for $one, $two;

    revoked($nginx, 'jti', jti => 'one');
    refused($nginx, 'jti', '/jwt', $one, 'token_revoked');
    let_in($nginx, 'jti: not another', '/jwt', $two);
    let_in($nginx, 'jti: nor none', '/jwt', $login);
}

# Who has an ES256 token has another text of it.
{
    my $other = gateway(provider => own_issuer());
    my $login = {%{login('carol')}, jwt => own_jwt(user => 'carol')};
    my $twin  = {%$login, jwt => other_signature($login->{jwt})};
    my $next  = {%$login, jwt => own_jwt(user => 'carol',
        claims => {jti => 'next'})};

    isnt($twin->{jwt}, $login->{jwt}, 'twin: another text');
    let_in($other, 'twin', '/jwt', $_) for $login, $twin;

    # A hash is of one text.
    revoked($other, 'twin, by hash', token => sha256_hex($login->{jwt}));
    refused($other, 'twin, by hash', '/jwt', $login, 'token_revoked');
    let_in($other, 'twin, by hash: as documented', '/jwt', $twin);

    revoked($other, 'twin', token => $login->{jwt});
    refused($other, 'twin', '/jwt', $_, 'token_revoked') for $login, $twin;
    let_in($other, 'twin: not another token', '/jwt', $next);
    is_healthy($other, 'twin');
    $other->stop;
}

# An exported session is ended in whatever way its cookie is written: by the
# other way, as Para's emulator knows its cookies in one alone.
{
    my %change = (
        'lower case' => [sub { $_[0] =~ s/(%[0-9A-F]{2})/lc $1/ger }],
        'decoded'    => [sub { $_[0] =~ s/%3A/:/gr }],
        'encoded'    => [sub { $_[0] =~ s/\A(.)/sprintf '%%%02X', ord $1/er }],
        'attributes' => [sub { $_[0] }, ' ; secure'],
    );

    for my $name (sort keys %change) {
        my $login = login('dave');
        my $first = {%$login, verificationToken => $login->{exportedSession}};
        my $other = other_cookie($login, @{$change{$name}});

        isnt($other->{verificationToken}, $login->{exportedSession},
            "spelling, $name: another text");
        let_in($nginx, "spelling, $name", '/session', $first);
        revoked($nginx, "spelling, $name",
            session => $other->{verificationToken});
        refused($nginx, "spelling, $name", '/session', $first,
            'session_revoked');
    }

    # What could be another cookie for who reads it is none.
    my $login = login('dave');
    my $calls = para_calls();
    for my $more ('; x=y', ', x=y', '; Path=/, x=y', ' x') {
        my $odd = other_cookie($login, sub { $_[0] }, $more);
        is(ask($nginx, '/session', $odd)->{status}, 400,
            "spelling, '$more': refused");
    }
    is(para_calls(), $calls, 'spelling: without asking');
}

# All tokens before a time: in a gateway of its own, as it is everybody.
{
    my $other = gateway();
    my $now   = int time;
    my $login = login('frank');
    my $old   = with_claims($login, iat => $now - 100);
    let_in($other, 'before', $_, $old) for '/', '/jwt';

    revoked($other, 'before', before => $now - 50);
    refused($other, 'before', $_, $old, 'token_revoked') for '/', '/jwt';
    refused($other, 'before: no iat', '/jwt',
        with_claims($login, iat => undef), 'token_revoked');
    let_in($other, 'before: at that time', '/jwt',
        with_claims($login, iat => $now - 50));
    refused($other, 'before: a second less', '/jwt',
        with_claims($login, iat => $now - 51), 'token_revoked');
    let_in($other, 'before: a session alone', '/session', $login);

    # An earlier time does not undo it.
    revoked($other, 'before', before => $now - 70);
    refused($other, 'before: still', '/jwt',
        with_claims($login, iat => $now - 51), 'token_revoked');
    is_healthy($other, 'before');
    $other->stop;
}


# ---- For how long ----------------------------------------------------------

{
    my $login = login('frank');
    let_in($nginx, 'ttl', '/', $login);
    my $until = revoked($nginx, 'ttl', user => $login->{userId}, ttl => 3);

    refused($nginx, 'ttl', '/', $login, 'token_revoked');
    ok(wait_until(10, sub { ask($nginx, '/', $login)->{status} == 200 }),
        'ttl: it ends');
    cmp_ok(time, '>=', $until - 0.1, 'ttl: not before');

    # Both last as long as the longer.
    my $jwt = with_claims($login, jti => 'longer');
    my $long = revoked($nginx, 'longer', jti => 'longer', ttl => 1000);
    is(revoked($nginx, 'longer', jti => 'longer', ttl => 1), $long,
        'longer: a shorter one does not undo it');
}


# ---- All workers, at once --------------------------------------------------

for my $workers (2, 4) {
    my $other = gateway(workers => $workers);
    my $port  = $other->{port};

    # Kept connections, until each worker has one; nginx tells by its pid.
    edit_conf($other, qr/add_header X-Cache /,
        "add_header X-Worker \$pid always;\n        add_header X-Cache ");
    reload($other, "$workers workers");

    my %at;
    for (1 .. 400) {
        last if keys %at == $workers;
        my $socket = connect_to($port);
        my $pid = exchange($socket, request_text('/none'))
            ->{header}{'x-worker'};
        $at{$pid} //= $socket;
    }
    is(scalar keys %at, $workers, "$workers workers: a connection to each");

    for my $round (1 .. 10) {
        my $login = login('alice');
        $login->{jwt} = para_jwt($login, jti => "workers-$workers-$round");
        my $text = request_text('/', headers => credentials($login));

        my @before = map { exchange($_, $text)->{status} } values %at;
        my $answer = revoke($other, $round % 2
            ? (jti => "workers-$workers-$round")
            : (session => $login->{verificationToken}));
        my @after = map { exchange($_, $text)->{status} } values %at;

        is("@before", join(' ', (200) x $workers),
            "$workers workers, round $round: before");
        is($answer->{status}, 200, "$workers workers, round $round: done");
        is("@after", join(' ', (401) x $workers),
            "$workers workers, round $round: all of them at once");
    }
    is_healthy($other, "$workers workers");
    $other->stop;
}


# ---- Requests under way ----------------------------------------------------

# It waits for Para while its user is ended.
{
    my $login = login('bob');
    fault(VERIFY, 'slow', delay_ms => SLOW, times => 1);
    my $calls  = para_calls(VERIFY);
    my $socket = connect_to($nginx->{port});
    send_text($socket, request_text('/', headers => credentials($login)));
    wait_until(5, sub { para_calls(VERIFY) > $calls });

    revoked($nginx, 'under way', session => $login->{verificationToken});
    is(read_answer($socket)->{status}, 401, 'under way: refused');
    refused($nginx, 'under way', '/', $login, 'session_revoked');
    reset_para();
}


# ---- Misuse ----------------------------------------------------------------

{
    my $good = $JSON->encode({user => 'somebody'});
    my @lines = lines_of($nginx);

    for my $method (qw(GET HEAD PUT DELETE PATCH OPTIONS)) {
        my $answer = get($nginx->{port}, '/revoke',
            'Content-Type: application/json', method => $method,
            $method =~ /^P/ ? (body => $good) : ());
        is($answer->{status}, 405, "misuse: $method");
        is($answer->{header}{allow}, 'POST', "misuse: $method, what to do");
        like($answer->{json}{error}, qr/is a POST/, "misuse: $method, why")
            if $method ne 'HEAD';
    }

    for my $type ('', 'Content-Type: text/plain',
        'Content-Type: application/jsonx',
        'Content-Type: application/x-www-form-urlencoded')
    {
        my $answer = post($nginx, $good, headers => $type);
        is($answer->{status}, 415, "misuse: type '$type'");
        like($answer->{json}{error}, qr{"Content-Type: application/json"},
            "misuse: type '$type', what to send");
    }

    my %bad = (
        ''                                => qr/JSON object/,
        '{'                               => qr/JSON object/,
        '[]'                              => qr/JSON object/,
        '{}'                              => qr/must have one of "user"/,
        '{"user":"a","jti":"b"}'          => qr/must have one of "user"/,
        '{"user":1}'                      => qr/must be a string/,
        '{"user":""}'                     => qr/must be a string/,
        '{"user":"a","ttl":0}'            => qr/"ttl" must be whole seconds/,
        '{"user":"a","until":5}'          => qr/and nothing else/,
        '{"before":99999999999999}'       => qr/milliseconds/,
        '{"before":' . (int(time) + 100) . '}' => qr/in the future/,
        '{"token":"abc"}'                 => qr/64 hexadecimal digits/,
        '{"session":"a b"}'               => qr/verification token/,
    );
    for my $body (sort keys %bad) {
        my $answer = post($nginx, $body);
        is($answer->{status}, 400, "misuse: $body");
        is($answer->{header}{'content-type'}, 'application/json',
            "misuse: $body, JSON");
        like($answer->{json}{error}, $bad{$body}, "misuse: $body, why");
    }

    # Sizes: in memory, in a file, too large; as one and in chunks.
    for my $size (100, 5000, SIZE_MAX, SIZE_MAX + 1, 4 * SIZE_MAX) {
        my $body = $good . ' ' x ($size - length $good);
        my $want = $size > SIZE_MAX ? 413 : 200;
        is(post($nginx, $body)->{status}, $want, "misuse: $size bytes");

        my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
            unpack('(a3000)*', $body), '';
        my $answer = exchange($nginx->{port},
            request_text('/revoke', method => 'POST', close => 1,
                headers => "Content-Type: application/json\n"
                    . 'Transfer-Encoding: chunked') . $chunks);
        is($answer->{status}, $want, "misuse: $size bytes in chunks");
        like($answer->{json}{error}, qr/at most 32768 bytes/,
            "misuse: $size bytes, why") if $want == 413;
    }

    is(post($nginx, $good, path => '/revoke?if=1')->{status}, 200,
        'misuse: inside of an "if"');
    is( post($nginx, $good,
            headers => 'content-type: Application/JSON; charset=utf-8')
            ->{status},
        200, 'misuse: a type with a parameter is none');

    # HTTP/2, where no length need be said.
    my $token = login('carol');
    for my $size (100, 5000, SIZE_MAX + 1) {
        my $body = $JSON->encode({session => $token->{verificationToken}});
        my $path = put_file('body', $body . ' ' x ($size - length $body));
        my $curl = 'curl -s -m 10 --http2-prior-knowledge -o /dev/null '
            . "-w '%{http_version} %{http_code}' -X POST -T - "
            . "-H 'Content-Type: application/json' "
            . "http://127.0.0.1:$nginx->{h2}/revoke < $path";
        is(`$curl`, '2 ' . ($size > SIZE_MAX ? 413 : 200),
            "misuse: $size bytes by HTTP/2");
    }
    refused($nginx, 'HTTP/2', '/', $token, 'session_revoked');

    # One connection: what is refused takes its body with it.
    my $socket = connect_to($nginx->{port});
    my @statuses = map { exchange($socket,
            request_text('/revoke', method => $_->[0], body => $good,
                headers => "Content-Type: $_->[1]"))->{status} }
        ['PUT', 'application/json'], ['POST', 'text/plain'],
        ['POST', 'application/json'], ['POST', 'application/json'];
    is("@statuses", '405 415 200 200', 'misuse: on one connection');

    unlike(slurp($nginx->{list}), qr/somebody/, 'misuse: no id in the file');
    cmp_ok(scalar(lines_of($nginx)), '>', scalar @lines,
        'misuse: what was good is there');
}

is_healthy($nginx, 'all of this');


# ---- Reload, restart, deaths -----------------------------------------------

{
    my $other = gateway();
    my @ended = map { login('alice') } 1 .. 3;
    my $kept  = login('alice');

    let_in($other, 'lives on', '/', $_) for @ended, $kept;
    my $until =
        revoked($other, 'lives on', session => $ended[0]{verificationToken});
    reload($other, 'lives on');
    refused($other, 'lives on, reloaded', '/', $ended[0], 'session_revoked');
    let_in($other, 'lives on, reloaded', $_, $kept) for '/', '/jwt';
    reload($other, 'lives on, again');
    is(ask($other, '/jwt', $kept)->{header}{'x-cache'}, 'HIT',
        'lives on: a reload is no revocation');

    # All workers die without a word, and the master after them.
    revoked($other, 'killed', session => $ended[1]{verificationToken});
    my @before = workers_of($other);
    kill 'KILL', @before;
    wait_until(10, sub {
        my %now = map { $_ => 1 } workers_of($other);
        keys %now >= @before && !grep { $now{$_} } @before;
    });
    refused($other, 'killed workers', '/', $_, 'session_revoked')
        for @ended[0, 1];
    let_in($other, 'killed workers', '/', $ended[2]);
    revoked($other, 'killed workers', session => $ended[2]{verificationToken});

    # One that is dying still has the port.
    kill 'KILL', $other->pid, workers_of($other);
    $other->stop;
    wait_until(10, sub { !eval { connect_to($other->{port}) } });

    $other->start;
    refused($other, 'restarted', '/', $_, 'session_revoked') for @ended;
    let_in($other, 'restarted', '/', $kept);
    is(revoke($other, session => $ended[0]{verificationToken}, ttl => 1)
        ->{json}{until}, $until, 'restarted: the same end');

    # In 32 bytes of a digest nobody finds a token.
    my $list = slurp($other->{list});
    unlike($list, qr/\Q$_->{verificationToken}\E/, 'no credential on disk')
        for @ended;
    is((stat $other->{list})[2] & 07777, 0600, 'for nobody else to read');
    is((stat $other->{list})[4], (stat $other->{state})[4],
        'of the workers\' user');
    unlike($other->error_log, qr/exited on signal (?!9\b)|\[crit\]|\[emerg\]/,
        'restarted: nobody crashed by himself');
    $other->stop;
}

# What has ended, and what is there twice, does not stay in the file.
{
    my $other = gateway();
    my $login = login('bob');

    revoked($other, 'compact', jti => 'short', ttl => 1);
    revoked($other, 'compact', jti => 'twice', ttl => 100 + $_) for 1 .. 3;
    revoked($other, 'compact', session => $login->{verificationToken});
    is(scalar(lines_of($other)), 5, 'compact: a line each');
    sleep 2.1;

    my ($good, $said) = check_same($other);
    ok($good, 'compact: nginx -t') or diag $said;
    is(scalar(lines_of($other)), 5, 'compact: nginx -t changes nothing');

    reload($other, 'compact');
    is(scalar(lines_of($other)), 2, 'compact: at a reload');
    ok(!-e "$other->{state}/revoked-app.new", 'compact: nothing is left over');
    refused($other, 'compact', '/', $login, 'session_revoked');

    # What the workers write next, they write there.
    revoked($other, 'compact', jti => 'next');
    is(scalar(lines_of($other)), 3, 'compact: the workers go on');

    $other->stop;
    write_file($other->{list}, slurp($other->{list})
        . "\n1 jti " . ('ab' x 32) . ' 0 ' . int(time) . "\n");
    $other->start;
    is(scalar(lines_of($other)), 3, 'compact: at a start');
    refused($other, 'compact, started', '/', $login, 'session_revoked');
    is_healthy($other, 'compact');
    $other->stop;
}

# Who removes the list of one that runs has not let anybody in again.
{
    my $other = gateway();
    my @ended = map { login('bob') } 1 .. 4;
    my $end   = sub {
        my ($name, $n) = @_;
        revoked($other, $name, session => $ended[$n]{verificationToken});
    };

    $end->('removed', $_) for 0, 1;
    unlink $other->{list} or die $!;
    reload($other, 'removed');
    is(scalar(lines_of($other)), 2, 'removed: a reload writes it anew');
    is((stat $other->{list})[4], (stat $other->{state})[4],
        'removed: for the workers');

    unlink $other->{list} or die $!;
    $end->('removed again', 2);
    is(scalar(lines_of($other)), 3, 'removed again: the next one has all');
    write_file($other->{list}, '');
    $end->('emptied', 3);
    is(scalar(lines_of($other)), 4, 'emptied: the next one has all');
    ok(!-e "$other->{state}/revoked-app.new", 'emptied: nothing is left over');

    $other->stop;
    $other->start;
    refused($other, 'removed, restarted', '/', $_, 'session_revoked')
        for @ended;

    # It is nobody's any more when nginx does not run.
    $other->stop;
    unlink $other->{list} or die $!;
    $other->start;
    let_in($other, 'removed while it was stopped', '/', $_) for @ended;
    is_healthy($other, 'removed');
    $other->stop;
}

# "nginx -t" with the configuration of one that runs.
sub check_same {
    my ($running) = @_;
    my $dir = $running->{dir};
    my $said = `$ENV{TEST_NGINX_BINARY} -t -e $dir/logs/check.log \\
        -p $dir/ -c $running->{file} 2>&1`;
    return ($? == 0, $said);
}

# A torn last line was never said to be done; the one after it counts.
{
    my $other = gateway();
    my ($one, $two, $three) = map { login('carol') } 1 .. 3;
    revoked($other, 'torn', session => $one->{verificationToken});

    my $torn = "\n1 user " . 'cd' x 20;
    write_file($other->{list}, $torn, '>>:raw');
    revoked($other, 'torn', session => $two->{verificationToken});
    revoked($other, 'torn', jti => 'short', ttl => 1);
    $other->stop;
    sleep 1.1;

    $other->start;
    refused($other, 'torn', '/', $_, 'session_revoked') for $one, $two;
    like($other->error_log,
        qr/\[error\].*revoked-app\.list" has 1 lines that are no revocations/,
        'torn: and the log tells of the line');
    like(slurp($other->{list}), qr/^1 user (?:cd)+$/m,
        'torn: which is kept to be looked at');
    $other->stop;

    # At the end of the file it is nobody's loss.
    my $list = slurp($other->{list});
    $list =~ s/^1 user (?:cd)+$//m or die;
    write_file($other->{list}, $list . $torn);
    $other->start;
    refused($other, 'torn at the end', '/', $_, 'session_revoked')
        for $one, $two;
    unlike(slurp($other->{list}), qr/cdcd/, 'torn at the end: gone');
    revoked($other, 'torn at the end', session => $three->{verificationToken});
    $other->stop;
    $other->start;
    refused($other, 'torn at the end, next', '/', $_, 'session_revoked')
        for $one, $two, $three;
    $other->stop;
}


# ---- What cannot be written ------------------------------------------------

SKIP: {
    skip 'root writes everywhere, and cannot be stopped by others', 1
        if !$ROOT;

    my $other = gateway();
    my $login = login('dave');
    let_in($other, 'unwritable', '/', $login);

    rename $other->{state}, "$other->{state}.away" or die $!;
    my $answer = revoke($other, session => $login->{verificationToken});
    is($answer->{status}, 500, 'unwritable: not done');
    like($answer->{json}{error},
        qr/ended until the next start only.*under state_path.*send it again/,
        'unwritable: and what to do');
    ok(!exists $answer->{json}{ended}, 'unwritable: it does not say "ended"');
    like($other->error_log, qr/\[crit\].*open\(\) ".*revoked-app\.list" failed/,
        'unwritable: the log knows why');
    refused($other, 'unwritable: but it holds', '/', $login,
        'session_revoked');

    # A reload writes what could not be written.
    rename "$other->{state}.away", $other->{state} or die $!;
    reload($other, 'mended');
    is(scalar(lines_of($other)), 1, 'mended: on disk');
    $other->stop;
    $other->start;
    refused($other, 'mended: after a restart', '/', $login,
        'session_revoked');
    $other->stop;

    # A file that cannot be read lets nobody in.
    for my $case (['a directory', sub { mkdir $_[0] }],
        ['a link', sub { symlink "$PARA_DIR/nowhere", $_[0] }])
    {
        my ($name, $make) = @$case;
        unlink $other->{list};
        rmdir $other->{list};
        $make->($other->{list}) or die $!;
        my ($good, $said) = check_same($other);
        ok(!$good, "$name for the file: refused");
        like($said, qr/who was ended would be let in again/,
            "$name for the file: why");
    }
}

# Another process has the file: for a moment, then for long.
SKIP: {
    my ($one, $two) = map { login('frank') } 1 .. 2;

    # struct flock of Linux on 64 bits
    my $lock = sub { pack 's! s! x![q] q q i x![q]', $_[0], SEEK_SET, 0, 0, 0 };
    my $take = sub {
        my ($list) = @_;
        open my $held, '+<', $list or die $!;
        return length $lock->(F_WRLCK) == 32
            && fcntl($held, F_SETLK, $lock->(F_WRLCK)) && $held;
    };

    # It is waited for for half a second.
    my ($other, $held, $socket) = in_time(
        0.4,
        sub {
            my ($other, $held) = @_;
            return if !$held;

            # It is replaced meanwhile, as by a reload.
            my $socket = connect_to($other->{port});
            send_text($socket, request_text('/revoke', method => 'POST',
                headers => 'Content-Type: application/json',
                body    => $JSON->encode(
                    {session => $one->{verificationToken}})));
            sleep 0.1;
            my ($uid, $gid) = (stat $other->{list})[4, 5];

            # By this handle: to close another one would give the lock back.
            write_file("$other->{list}.copy", do { local $/; <$held> });
            chmod 0600, "$other->{list}.copy";
            chown $uid, $gid, "$other->{list}.copy";
            rename "$other->{list}.copy", $other->{list} or die $!;
            close $held;
            return ($other, $held, $socket);
        },
        sub {
            my $other = gateway();
            revoked($other, 'locked', jti => 'first');
            return ($other, $take->($other->{list}));
        }
    );
    skip 'locks are of another form here', 1 if !$other;
    is(read_answer($socket)->{status}, 200, 'locked: done when it is free');
    is(scalar(lines_of($other)), 2, 'locked: in the file that counts');

    $held = $take->($other->{list}) or die $!;
    my $began = time;
    is(revoke($other, session => $two->{verificationToken})->{status}, 500,
        'locked for long: not done');
    cmp_ok(time - $began, '<', 5, 'locked for long: soon told');
    refused($other, 'locked for long: but it holds', '/', $two,
        'session_revoked');
    like($other->error_log, qr/revoked-app\.list" is locked by another/,
        'locked for long: the log knows why');
    close $held;
    $other->stop;
}

# A disk that is full.
SKIP: {
    skip 'only root mounts', 1 if !$ROOT;

    my $state = state_path();
    mkdir $state;
    skip 'cannot mount here', 1
        if system('mount -t tmpfs -o size=8k,mode=0700 tmpfs '
            . "$state 2>/dev/null");
    $mounted = $state;

    my $other = gateway(state => $state);
    my $login = login('erin');
    let_in($other, 'disk full', '/', $login);
    revoked($other, 'disk full', jti => 'before it is');

    open my $out, '>', "$state/ballast" or die $!;
    for (1 .. 100) { syswrite $out, 'x' x 4096 or last }
    close $out;
    for my $n (1 .. 100) {
        last if revoke($other, jti => "filler $n")->{status} != 200;
    }
    my $answer = revoke($other, session => $login->{verificationToken});
    is($answer->{status}, 507, 'disk full: not done');
    like($answer->{json}{error}, qr/make room and send it again/,
        'disk full: and what to do');
    refused($other, 'disk full: but it holds', '/', $login,
        'session_revoked');
    like(slurp($other->{list}), qr/\n\z/, 'disk full: no torn line');

    unlink "$state/ballast";
    revoked($other, 'room', session => $login->{verificationToken});
    $other->stop;
    $other->start;
    refused($other, 'room: after a restart', '/', $login, 'session_revoked');
    $other->stop;
}


# ---- A full list -----------------------------------------------------------

{
    my $other = gateway(size => SMALL);
    my ($first, $last) = (login('frank'), login('alice'));
    revoked($other, 'full', session => $first->{verificationToken});

    my ($n, $answer, $socket) = (0, undef, connect_to($other->{port}));
    while ($n < 2000) {
        $answer = exchange($socket, request_text('/revoke', method => 'POST',
            headers => 'Content-Type: application/json',
            body => $JSON->encode({jti => "full $n", ttl => DAY})));
        $socket = connect_to($other->{port}) if $answer->{close};
        last if $answer->{status} != 200;
        $n++;
    }
    cmp_ok($n, '>', 100, "full: $n entries and one");
    is($answer->{status}, 507, 'full: no more');
    like($answer->{json}{error}, qr/nothing was ended.*larger "size="/,
        'full: what to do');
    like($other->error_log, qr/\[error\].*no room for another revocation/,
        'full: the log says so');

    let_in($other, 'full: what was not ended', '/', $last);
    refused($other, 'full: the first is still there', '/', $first,
        'session_revoked');
    is(revoke($other, jti => 'full 0', ttl => 2 * DAY)->{status}, 200,
        'full: what is there can last longer');

    # The file is full too, and is loaded.
    $other->stop;
    $other->start;
    refused($other, 'full: restarted', '/', $first, 'session_revoked');
    is(revoke($other, jti => 'one more')->{status}, 507, 'full: still');

    # A smaller list than there are entries is no list.
    edit_conf($other, qr/size=32k/, 'size=1m');
    reload($other, 'larger');
    revoked($other, 'larger', session => $last->{verificationToken});
    refused($other, 'larger', '/', $_, 'session_revoked') for $first, $last;

    edit_conf($other, qr/size=1m/, 'size=32k');
    my ($good, $said) = check_same($other);
    ok(!$good, 'smaller: refused');
    like($said, qr/no room for all revocations in ".*"size=" of more than 32k/,
        'smaller: why');
    $other->stop;
}

# Entries that have ended make room.
{
    my $other = gateway(size => SMALL);
    my $n = 0;
    my $socket = connect_to($other->{port});
    my $fill = sub {
        my ($name, $ttl) = @_;
        my $answer = exchange($socket, request_text('/revoke',
            method => 'POST', headers => 'Content-Type: application/json',
            body => $JSON->encode({jti => $name, ttl => $ttl})));
        $socket = connect_to($other->{port}) if $answer->{close};
        return $answer->{status};
    };
    my $long = login('bob');
    revoked($other, 'again', session => $long->{verificationToken});
    $n++ while $n < 2000 && $fill->("again $n", 4) == 200;
    cmp_ok($n, '>', 100, "again: $n entries");
    sleep 4.5;

    my $m = 0;
    $m++ while $m < 2000 && $fill->("anew $m", DAY) == 200;
    is($m, $n, 'again: as many fit once more');
    refused($other, 'again', '/', $long, 'session_revoked');
    for my $jti ('anew 0', 'anew ' . ($m - 1)) {
        refused($other, "again: $jti", '/jwt',
            with_claims(login('carol'), jti => $jti), 'token_revoked');
    }
    let_in($other, 'again: what has ended', '/jwt',
        with_claims(login('carol'), jti => 'again 1'));
    is_healthy($other, 'again');
    $other->stop;
}


# ---- Configurations --------------------------------------------------------

sub check_conf {
    my (%options) = @_;
    my %all = options(%options);
    $options{edit}->(\%all) if $options{edit};
    delete $all{edit};
    return check_nginx(%all);
}

{
    my ($good, $said) = check_conf();
    ok($good, 'configuration: good') or diag $said;
    unlike($said, qr/\[warn\].*para_auth/,
        'configuration: nothing to warn of');

    my %case = (
        'no state_path' => [sub { $_[0]{http} =~ s/state_path \S+;// or die },
            qr/para_auth_revoke in .*:\d+: provider "app" has no "state_path"/],
        'unknown provider' =>
            [sub { $_[0]{server} =~ s/revoke app/revoke nobody/ or die },
            qr/para_auth_revoke in .*:\d+ names the unknown provider "nobody"/],
        'twice' =>
            [sub { $_[0]{server} =~ s/(para_auth_revoke app;)/$1 $1/ or die },
            qr/"para_auth_revoke" directive is duplicate/],
        'another answers' =>
            [sub { $_[0]{server} =~ s/(?=para_auth_revoke app;)/empty_gif; /
                or die },
            qr/answers itself: give it a location of its own/],
        'another answers instead' =>
            [sub { $_[0]{server} =~ s/(para_auth_revoke app;)/$1 empty_gif;/
                or die },
            qr/another one behind it that takes its place/],
        'size' => [sub { $_[0]{server} =~ s/revoke app;/revoke app size=4k;/
                or die }, qr/"4k" is no size for revocations, give at least/],
        'word' => [sub { $_[0]{server} =~ s/revoke app;/revoke app big;/
                or die }, qr/invalid parameter "big", it is "size=size"/],
        'two sizes' => [sub { $_[0]{server} .=
                "location /b { deny all; para_auth_revoke app size=2m; }" },
            qr/give it the same "size=" in all locations/],
        'server' => [sub { $_[0]{server} .= 'para_auth_revoke app;' },
            qr/"para_auth_revoke" directive is not allowed here/],
    );
    for my $name (sort keys %case) {
        my ($edit, $why) = @{$case{$name}};
        ($good, $said) = check_conf(edit => $edit);
        ok(!$good, "configuration, $name: refused");
        like($said, $why, "configuration, $name: why");
    }

    my $open = qr/\[warn\].*para_auth_revoke" in .* to be open to everybody/;
    ($good, $said) = check_conf(edit => sub {
        $_[0]{server} =~ s/allow 127.0.0.1;\s+deny all;// or die });
    ok($good, 'configuration, open: taken');
    like($said, $open, 'configuration, open: warned of');

    # Who is logged in is no operator, here or by the server's para_auth.
    for my $auth ('', 'para_auth app;') {
        ($good, $said) = check_conf(edit => sub {
            $_[0]{server} =~ s/para_auth\ off;(\s+para_auth_revoke\ app;)
                \s+allow\ 127.0.0.1;\s+deny\ all;/$auth$1/x or die });
        ok($good, "configuration, logged in, '$auth': taken");
        like($said, qr/\[warn\].*_revoke" in .* open to any logged-in user,/,
            "configuration, logged in, '$auth': warned of");
    }

    for my $off ('', 'para_auth off;') {
        for my $guard ('internal;', 'deny 10.0.0.0/8;',
            'auth_basic on; auth_basic_user_file x;', 'auth_request /x;')
        {
            my $name = "configuration, $off$guard";
            ($good, $said) = check_conf(edit => sub {
                $_[0]{server} =~ s/para_auth\ off;(\s+para_auth_revoke\ app;)
                    \s+allow\ 127.0.0.1;\s+deny\ all;/$off$1$guard/x
                    or die });
            ok($good, "$name: taken") or diag $said;
            unlike($said, qr/\[warn\].*para_auth_revoke/,
                "$name: nothing to warn of");
        }
    }
}

$nginx->stop;

done_testing();
