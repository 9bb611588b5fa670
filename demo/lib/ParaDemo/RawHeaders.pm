package ParaDemo::RawHeaders;

# A Mojo::Headers that also keeps the header section as it came in.
#
# Mojo::Headers folds names without regard to case and loses their order,
# while the whole point of an app behind a gateway is to show what really
# arrived: which spelling, in which order, how many times.

use strict;
use warnings;

use Mojo::Base 'Mojo::Headers', -signatures;

# Limits far above the gateway's own, so that it is never the emulator or the
# app that refuses an oversized credential.
use constant {
    MAX_LINE  => 256 * 1024,
    MAX_LINES => 10_000,
};

# Makes an application record the raw headers of all its requests.
sub install ($class, $app) {
    $app->hook(
        after_build_tx => sub ($tx, $app) {
            my $request = $tx->req;

            $request->max_line_size(MAX_LINE);
            $request->content->headers(
                $class->new(
                    max_line_size => MAX_LINE,
                    max_lines     => MAX_LINES,
                )
            );

            # A multipart body counts as the bytes it is.
            $request->content->auto_upgrade(0);
        }
    );

    return;
}

sub parse ($self, $chunk) {

    # The trailers of a chunked body come through here too.
    return $self->SUPER::parse($chunk) if $self->{raw_done};

    $self->{raw} .= $chunk;
    $self->SUPER::parse($chunk);

    if ($self->is_finished) {
        $self->{raw_done} = 1;

        # What follows the header section is the body's.
        my $excess = length($self->{buffer} // '');
        substr($self->{raw}, -$excess) = '' if $excess;
    }

    return $self;
}

# The headers as a list of [name, value], in the order they were received; a
# byte of the request is a character here.
sub raw_pairs ($self) {
    my @pairs;

    for my $line (split /\x0d?\x0a/, $self->{raw} // '') {
        next if !length $line;
        my ($name, $value) = split /:[ \t]*/, $line, 2;
        push @pairs, [$name, $value // ''];
    }

    return \@pairs;
}

1;
