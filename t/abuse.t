# One user against all others: what he can do with credentials that are good.

use strict;
use warnings;

use FindBin      ();
use JSON::PP     ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes  qw(sleep);
use lib "$FindBin::Bin/lib";

use ParaClient;
use ParaTest;
use Test::More;

use constant {
    TOUCH     => '/touch',
    SPELLINGS => 4000,
    OTHERS    => 20,
    PAYS      => 20,
    FILLING   => 600,
    LATELY    => 150,
};

my $JSON = JSON::PP->new->utf8->canonical;

sub gateway {
    my ($zone) = @_;
    return start_nginx(
        workers => 2,
        http    => http_config(
            zone     => $zone,
            provider => "public_key $PARA_PUBLIC_KEY;\n" . own_issuer()
        ),
        server => <<'CONF' . verify_location() . touch_location());
        keepalive_requests 1000000;
        large_client_header_buffers 4 32k;
        add_header X-Cache $para_auth_cache always;
        para_auth app;
        para_auth_session_cache valid=1h refresh=off;
        location / { try_files /none =204; }
        location /metrics { para_auth off; para_auth_metrics; }
        location /jwt { para_auth app jwt; try_files /none =204; }
        location /stale {
            para_auth_session_cache valid=1s stale=1h refresh=off;
            try_files /none =204;
        }
CONF
}

sub headers {
    my ($session, $login) = @_;
    return "X-Para-Session: $session\n" . bearer($login->{jwt});
}

# The same session, with other words around its cookie.
sub spelt {
    my ($login, $word) = @_;
    my $session = $JSON->decode(decode_base64($login->{exportedSession}));
    return encode_base64($JSON->encode({%$session, word => $word}), '');
}

sub are_hits {
    return grep { ($_->{header}{'x-cache'} // '') eq 'HIT' } @_;
}

sub how_many_hit {
    my ($nginx, @logins) = @_;
    return are_hits(map { get($nginx->{port}, '/', credentials($_)) } @logins);
}

my $nginx = gateway('1m');

# One session in any number of spellings is one question, and no more room than
# its share: nobody else is forgotten for it.
{
    reset_para();
    my $alice  = login('alice');
    my @others = map { login('bob') } 1 .. OTHERS;
    get($nginx->{port}, '/', credentials($_)) for @others;
    is(how_many_hit($nginx, @others), OTHERS, 'spellings: others are known');

    my $socket = connect_to($nginx->{port});
    my $calls  = para_calls(TOUCH);
    my %status;
    for my $n (1 .. SPELLINGS) {
        my $answer = exchange($socket,
            request_text('/', headers => headers(spelt($alice, $n), $alice)));
        $status{$answer->{status}}++;
    }

    is_deeply(\%status, {204 => SPELLINGS}, 'spellings: all are good');
    is(para_calls(TOUCH) - $calls, 1, 'spellings: one call');
    is(how_many_hit($nginx, @others), OTHERS,
        'spellings: the others still are');
}

# Others have filled the zone before: still there is room for users of exported
# sessions, and one of them with any number of spellings takes no more.
{
    reset_para();
    my $full   = gateway('128k');
    my $socket = connect_to($full->{port});
    my $ask    = sub {
        my ($path, @headers) = @_;
        return
            map { exchange($socket, request_text($path, headers => $_)) }
            @headers;
    };

    my @others = map { bearer(own_jwt(claims => {roles => ["r$_"]})) }
        1 .. FILLING;
    $ask->('/jwt', @others);

    my @lately = @others[-LATELY .. -1];
    my @users  = map { headers($_->{exportedSession}, $_) }
        map { login('bob') } 1 .. OTHERS;
    $ask->('/', @users);
    my ($metrics) = $ask->('/metrics', 'Accept: text/plain');
    like($metrics->{body}, qr/_entries[{]kind="exported"[}] ${\OTHERS}\n/,
        'full zone: all users are kept');

    my $alice = login('alice');
    $ask->('/', map { headers(spelt($alice, $_), $alice) } 1 .. FILLING);
    is(scalar are_hits($ask->('/jwt', @lately)),
        LATELY, 'full zone: for all the spellings others are, too');
    cmp_ok(scalar are_hits($ask->('/jwt', @others)),
        '<', FILLING, 'full zone: it is full');
    $full->stop;
}

# Answers that are too large for one user are no state of Para's.
{
    reset_para();
    my ($alice, $bob, $carol) = map { login($_) } qw(alice bob carol);
    fault(TOUCH, 'oversized', times => 6, size => 20_000);

    is( get(
            $nginx->{port}, '/', headers($alice->{exportedSession}, $alice)
        )->{status},
        503,
        'too large: refused'
    ) for 1 .. 6;
    is( get($nginx->{port}, '/', headers($bob->{exportedSession}, $bob))
            ->{status},
        204,
        'too large: others go on'
    );
    is(get($nginx->{port}, '/', credentials($carol))->{status},
        204, 'too large: by the token, too');
}

# After an answer that is neither yes nor no nothing is bridged, and whoever
# asks on pays for it.
for my $status (400, 401, 403) {
    reset_para();
    my $login = login('dave');
    my $sent  = headers($login->{exportedSession}, $login);

    is(get($nginx->{port}, '/stale', $sent)->{status}, 204, "$status: active");
    sleep 1.2;
    fault(TOUCH, 'answer', times => 1, status => $status, body => '{}');
    is(get($nginx->{port}, '/stale', $sent)->{status},
        503, "$status: refused");
    fault(TOUCH, '500', times => 1);
    is(get($nginx->{port}, '/stale', $sent)->{status},
        503, "$status: not bridged");

    my $calls = para_calls(TOUCH);
    fault(TOUCH, 'answer', status => $status, body => '{}');
    get($nginx->{port}, '/stale', $sent) for 1 .. 2 * PAYS;
    cmp_ok(para_calls(TOUCH) - $calls, '<=', PAYS, "$status: no more calls");
}

is_healthy($nginx, 'all of this');

done_testing();
