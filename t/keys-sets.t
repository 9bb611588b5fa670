#!/usr/bin/perl

# Key sets by URL: what comes into force with a new set and ends with the old
# one, that a bad set never takes the place of a good one, and for how long the
# good one lasts.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaKeys;
use Test::More;

use JSON::PP    qw(encode_json);
use Time::HiRes qw(sleep time);

my $token = fresh_jwt();


# ---- Rotation --------------------------------------------------------------

{
    my $nginx =
        key_gateway(workers => 2, refresh => '400ms', cooldown => '400ms');
    my $old   = fresh_jwt();
    my $both  = login('bob');
    my $kid   = jwt_header($old)->{kid};

    is_everywhere($nginx, $old,  200, 'rotation: the old key');
    is_everywhere($nginx, $both, 200, 'rotation: with a session');

    para_keys(rotate => 1);
    my $new = fresh_jwt();
    becomes_everywhere($nginx, $new, 200, 'rotation: the new key');
    is_everywhere($nginx, $old,  200, 'rotation: beside the old one');
    is_everywhere($nginx, $both, 200, 'rotation: with a session too');
    is(join(' ', map { $_->{header}{'x-cache'} } ask_workers($nginx, $_)),
        'HIT HIT', 'rotation: they are cached')
        for $old, $both, $new;

    para_keys(withdraw => $kid);
    my $unseen = fresh_jwt('alice', key_index => 1);
    is(jwt_header($unseen)->{kid}, $kid, 'withdrawn: it still signs');
    says_once($nginx, qr/is new, with 2 keys/, 'withdrawn: noticed', 2);
    is_everywhere($nginx, $old,    401, 'withdrawn: what was cached ends');
    is_everywhere($nginx, $both,   401, 'withdrawn: with a session too');
    is_everywhere($nginx, $unseen, 401, 'withdrawn: and verifies nothing');
    is_everywhere($nginx, $new,    200, 'withdrawn: others go on');

    para_keys(publish => $kid);
    becomes_everywhere($nginx, $old, 200, 'published again');
    is_everywhere($nginx, $both, 200, 'published again: with a session');
    is_healthy($nginx, 'rotation');
    $nginx->stop;
    reset_para(keys => 1);
}


# ---- Sets that are not good ------------------------------------------------

sub set_of { return encode_json({keys => [@_]}) }

{
    my $nginx =
        key_gateway(workers => 2, refresh => '150ms', cooldown => '150ms');
    my $cached = fresh_jwt();
    is_everywhere($nginx, $cached, 200, 'bad sets: before');

    reset_para();
    my %public = %{para_key(0)};
    delete @public{qw(d p q dp dq qi)};
    my $ours = slurp("$PARA_DIR/jwks.json");

    my %bad = (
        'no JSON'          => [set => 'keys',                   'garbage'],
        'bytes'            => [set => "\x00\xff\xfe",           'garbage'],
        'nothing'          => [set => '',                       'empty'],
        'an array'         => [set => '[]',                     'garbage'],
        'cut off'          => [set => substr($ours, 0, -9),     'garbage'],
        'no keys'          => [set => '{"keys":[]}',            'empty'],
        'a private key'    => [set => set_of(para_key(0)),      'secret'],
        'one among others' =>
            [set => set_of(\%public, para_key(1)),              'secret'],
        'a secret'         =>
            [set => slurp("$PARA_DIR/own-hmac.jwks.json"),      'secret'],
        'a kid twice'      => [set => set_of(\%public, \%public),
                                                                'duplicate'],
        'other algorithms' =>
            [set => slurp("$PARA_DIR/own-ec.jwks.json"),        'useless'],
        'too large'        =>
            [set => $ours . ' ' x 65536,                        'size'],
        'html'             => [fault => 'html',                 'garbage'],
        'oversized'        => [fault => 'oversized',            'size'],
        'huge headers'     => [fault => 'huge_header',          'size', 20_000],
        'redirect'         => [fault => 'redirect',             'redirect'],
        '404'              => [fault => '404',                  'status'],
        '500'              => [fault => '500',                  'status'],
        'truncated'        => [fault => 'truncated',            'broken'],
        'cut off in a chunk' => [fault => 'truncated_chunked',  'broken'],
        'close'            => [fault => 'close',                'broken'],
        'reset'            => [fault => 'reset',                'broken'],
        'no HTTP'          => [fault => 'garbage',              'broken'],
    );

    my $well = 0;

    for my $name (sort keys %bad) {
        my ($kind, $what, $outcome, $size) = @{$bad{$name}};
        my $line = qr/\[error\].*key set .*\($outcome[,)].*the last good one/;
        my $before = said($nginx, $line);
        my $errors = said($nginx, qr/\[error\]/);

        $kind eq 'set' ? para_keys(set => $what)
            : fault(JWKS, $what, defined $size ? (size => $size) : ());
        says_once($nginx, $line, "$name: refused as $outcome", $before + 1);

        # It stays so for a while, and is not told again.
        my $n = fetches();
        wait_for_fetches($n + 3);
        is_everywhere($nginx, $cached, 200, "$name: the known go on");
        is_everywhere($nginx, fresh_jwt(), 200, "$name: and the unknown");
        is(scalar(said($nginx, qr/\[error\]/)), $errors + 1,
            "$name: one line of error");

        $kind eq 'set' ? para_keys(set => undef) : fault(JWKS, 'off');
        says_once($nginx, qr/\[notice\].*is fetched again/,
            "$name: one line of notice", ++$well);
    }

    # Another fault instead is another state.
    # (Of two the first one counts: there is no moment without any.)
    my $errors = said($nginx, qr/\[error\]/);
    fault('*', '500');
    says_once($nginx, qr/\[error\]/, 'faults: the first', $errors + 1);
    fault(JWKS, 'redirect');
    para_keys(set => 'x');
    fault('*', 'off');
    says_once($nginx, qr/\[error\]/, 'faults: the second', $errors + 2);
    fault(JWKS, 'off');
    says_once($nginx, qr/\[error\]/, 'faults: the third', $errors + 3);
    is_everywhere($nginx, fresh_jwt(), 200, 'faults: and all is well');
    reset_para();
    says_once($nginx, qr/\[notice\].*is fetched again/, 'faults: told once',
        ++$well);

    # A set with a key that is of no use to us: the others are.
    para_keys(
        set => set_of(\%public, {kty => 'new', kid => "odd\x{1b}[0m", n => 1})
    );
    says_once($nginx, qr/\[warn\].*a key \(kid "odd\?\[0m"\) is left out/,
        'a key of no known kind is left out');
    is_everywhere($nginx, fresh_jwt(), 200, '... the others are not');

    is_healthy($nginx, 'bad sets');
    $nginx->stop;
    reset_para();
}

# No good one was ever there: a bad one does not make a start either.
{
    reset_para();
    para_keys(set => set_of(para_key(0)));
    my $nginx = key_gateway(workers => 2, refresh => '1h', cooldown => '1s');
    says_once($nginx, qr/\[error\].*\(secret\).*tokens cannot be verified/,
        'bad from the start: told');
    is_everywhere($nginx, $token, 503, 'bad from the start: no keys');
    para_keys(set => undef);
    becomes_everywhere($nginx, $token, 200, 'bad from the start: then good');
    is_healthy($nginx, 'bad from the start');
    $nginx->stop;
}


# ---- Too old ---------------------------------------------------------------

{
    reset_para();
    my $nginx = key_gateway(
        workers   => 2,
        refresh   => '300ms',
        cooldown  => '300ms',
        max_stale => '3s'
    );
    my $both = login('carol');
    is_everywhere($nginx, $token, 200, 'too old: before');
    is_everywhere($nginx, $both,  200, 'too old: with a session');

    # Unchanged counts as fetched.
    sleep 4;
    is_everywhere($nginx, $token, 200, 'too old: not while it is confirmed');

    fault(JWKS, '500');
    my $begin = (grep { ($_->{status} // 0) =~ /\A(?:200|304)\z/ }
            para_requests(JWKS))[-1]{time};
    sleep 1;
    is(join(' ', map { $_->{header}{'x-cache'} } ask_workers($nginx, $token)),
        'HIT HIT', 'too old: not yet');
    becomes_everywhere($nginx, $token, 503, 'too old: cached or not');
    cmp_ok(time - $begin, '>', 2, 'too old: not before its time');
    is_everywhere($nginx, $both,       503, 'too old: with a session too');
    is_everywhere($nginx, fresh_jwt(), 503, 'too old: nothing is verified');
    my $answer = ask($nginx, $both);
    is($answer->{header}{'x-status'}, 'keys_unavailable', 'too old: is told');
    like($answer->{header}{'retry-after'}, qr/\A[1-9]\d?\z/,
        'too old: with a time');
    says_once($nginx, qr/\[error\].*longer than jwks_max_stale \(3 s\)/,
        'too old: one line');

    fault(JWKS, 'off');
    becomes_everywhere($nginx, $token, 200, 'too old: until it is fetched');
    is_everywhere($nginx, $both,       200, 'too old: with a session');
    is_everywhere($nginx, fresh_jwt(), 200, 'too old: for new ones');
    says_once($nginx, qr/\[notice\].*is fetched again/, 'too old: told');
    is(scalar(said($nginx, qr/jwks_max_stale/)), 1, 'too old: once');
    is_healthy($nginx, 'too old');
    $nginx->stop;
}


# ---- Several sources -------------------------------------------------------

# The backend's keys come from elsewhere, and two providers use Para's.
{
    reset_para();
    my $backend = second_para();
    my $port    = $backend->add_port;
    $backend->change_keys(set => slurp("$PARA_DIR/own.jwks.json"));

    my $nginx = key_gateway(
        workers   => 2,
        refresh   => '300ms',
        cooldown  => '300ms',
        max_stale => '3s',
        provider  => <<"CONF",
        para_issuer on;
        issuer backend {
            jwks_uri http://127.0.0.1:$port@{[JWKS]};
            algorithms ES256;
            iss https://backend.example;
            audience my-api;
        }
CONF
        http => para_provider(
            name       => 'other',
            key_source => 'url',
            lines      => key_lines(
                refresh   => '300ms',
                cooldown  => '300ms',
                max_stale => '3s'
            )
        ),
        server => 'location /other { para_auth other jwt; '
            . 'try_files /small.txt =404; }',
    );

    my $own = own_jwt();
    is_everywhere($nginx, $token, 200, 'sources: Para\'s token');
    is_everywhere($nginx, $own,   200, 'sources: the backend\'s');
    is(ask($nginx, $token, '/other')->{status}, 200, 'sources: shared');
    is(ask($nginx, own_jwt(alg => 'RS256'))->{status}, 401,
        'sources: the algorithms that are listed');

    # Two providers, four users of two URLs, each URL fetched as one.
    my $begin  = fetches();
    my $others = fetches($backend);
    my $time   = time;
    wait_for_fetches($begin + 6);
    my $most = (time - $time) / 0.27 + 2;
    cmp_ok(fetches() - $begin, '<=', $most, 'sources: one fetch for all');
    cmp_ok(fetches($backend) - $others, '<=', $most, 'sources: each');

    # One server goes, then the other.
    $backend->remove_port($port);
    becomes_everywhere($nginx, $own, 503, 'sources: the backend is down');
    is_everywhere($nginx, $token,      200, 'sources: Para is not');
    is_everywhere($nginx, fresh_jwt(), 200, 'sources: for new ones too');
    is(ask($nginx, fresh_jwt(), '/other')->{status}, 200,
        'sources: for the other provider too');
    is(ask($nginx, unknown_jwt())->{status}, 401,
        'sources: an unknown kid is known to be unknown');

    $backend->add_port(port => $port);
    becomes_everywhere($nginx, $own, 200, 'sources: the backend is back');

    fault(JWKS, 'reset');
    becomes_everywhere($nginx, $token, 503, 'sources: Para is down');
    is_everywhere($nginx, own_jwt(), 200, 'sources: the backend is not');
    is(ask($nginx, $token, '/other')->{status}, 503,
        'sources: it is for both providers');
    reset_para();
    becomes_everywhere($nginx, $token, 200, 'sources: Para is back');

    is_healthy($nginx, 'sources');
    $nginx->stop;
}

done_testing();
