package ParaDemo::Keys;

# The signing keys of the emulated Para, newest first, and what of them is
# published: as keys rotate, some sign that are not published yet, and tokens
# are about of some that are not published any more.

use strict;
use warnings;

use Mojo::Base -signatures;

use Crypt::PK::RSA ();
use Crypt::PRNG    qw(random_bytes_hex);
use Digest::SHA    qw(sha256_hex);
use JSON::PP       ();
use List::Util     qw(first);

use constant {
    RSA_BYTES    => 256,
    RSA_EXPONENT => 65537,
};

my $JSON = JSON::PP->new->utf8->canonical;

sub new ($class, $count) {
    my $self = bless {made => 0, keys => []}, $class;

    push @{$self->{keys}}, $self->_make(1) for 1 .. $count;
    $self->{first} = [@{$self->{keys}}];

    return $self;
}

# A tenth of a second, more or less: made when asked for.
sub _make ($self, $published) {
    my $rsa = Crypt::PK::RSA->new;
    $rsa->generate_key(RSA_BYTES, RSA_EXPONENT);

    my $kid = sprintf 'para-%d-%s', $self->{made}++, random_bytes_hex(4);

    return {rsa => $rsa, kid => $kid, published => $published};
}

# A key by its index or its kid; undef if there is none.
sub find ($self, $which) {
    return if !defined $which || ref $which || !length $which;

    my $keys = $self->{keys};
    return $keys->[$which] if $which =~ /\A\d{1,6}\z/;
    return first { $_->{kid} eq $which } @$keys;
}

# A new key is the one to sign with from now on; the others stay.
sub rotate ($self, $published) {
    unshift @{$self->{keys}}, $self->_make($published);
    return;
}

# Bytes to publish in place of the set; undef for the set itself.
sub publish_text ($self, $text) {
    $self->{text} = $text;
    return;
}

# The keys of the start, all of them published.
sub restore ($self) {
    $self->{keys} = [@{$self->{first}}];
    $_->{published} = 1 for @{$self->{keys}};
    return;
}

sub kids ($self, $published) {
    my @kids = map { $_->{kid} }
        grep { !$_->{published} == !$published } @{$self->{keys}};
    return \@kids;
}

sub _jwk ($key, $part) {
    return {
        %{$key->{rsa}->export_key_jwk($part, 1)},
        kid => $key->{kid},
        use => 'sig',
        alg => 'RS256',
    };
}

sub public_set ($self) {
    my @published = grep { $_->{published} } @{$self->{keys}};
    return {keys => [map { _jwk($_, 'public') } @published]};
}

# All of them, by index.
sub private_keys ($self) {
    return [map { _jwk($_, 'private') } @{$self->{keys}}];
}

# What the JWKS URL gives: the same bytes for as long as nothing changes.
sub published_bytes ($self) {
    return $self->{text} // $JSON->encode($self->public_set);
}

# A strong entity tag of those bytes, as of RFC 9110, section 8.8.3.
sub etag ($self) {
    return '"' . substr(sha256_hex($self->published_bytes), 0, 32) . '"';
}

1;
