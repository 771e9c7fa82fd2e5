// SPDX-License-Identifier: Apache-2.0
// The neuron: from the exact sum of its inputs to its next state. One neuron per cycle.
//
//   sum         the inputs and, where the nudge enters inside, nudge = sign * Beta * (target - state), of output neurons
//   drive       requantise(sum), in stage DriveStage
//   activation  f = rho(drive), by clip or table, or rho'(state) drive for energy-based dynamics: one or two cycles
//   error       e = f + outside nudge, less the state where the dynamics are leaky or energy-based
//   step        x = state + dt e; prototypical dynamics have no such stage, x = e
//   state       requantise(x)
//
// A neuron that rests in a pass (even/odd order) keeps its state.
//
// A nudge from outside is formed beside the drive: state and target are registered in stage 1, their difference times
// Beta in stage 2, and no sum is earlier than in stage 3. Where the nudge enters inside, the sum is that of stage 3 and the
// drive that of stage 4; else the drive is that of stage 1.
//
// Noise comes four cycles behind its total, and a drive with noise in stage 6.
//
// Latency: StateStage = DriveStage + ActivationCycles + ErrorCycles + (Dynamics != 0) + 1 cycles, four to eleven, at most
// one product or one addition and a rounding each. All units of a core have the same (src/schedule, NeuronStages). The
// twin is src/reference/neuron.rs; fractions are aligned by the shifts below, all of them exact.

`default_nettype none

module neuron_unit #(
  parameter TotalWidth = 32,
  parameter DriveWidth = 10,
  parameter DriveSigned = 1,
  parameter StateWidth = 8,
  parameter StateSigned = 0,
  parameter Output = 0,            // 1: output layer, has a nudge
  parameter Inside = 0,            // 1: the nudge enters the drive
  parameter Rests = 0,             // 1: rest_i is looked at
  parameter Dynamics = 0,          // 0 prototypical, 1 leaky, 2 energy-based
  parameter Activation = 0,        // 0 clip(x, 0, 1), 1 clip(x/2, 0, 1), 2 table
  parameter OneDrive = 128,        // where the clip ends, as a raw drive
  parameter OneState = 256,        // 1.0 as a raw state
  parameter Beta = 1,
  parameter BetaWidth = 16,        // signed
  parameter Dt = 1,
  parameter DtWidth = 2,           // signed
  parameter NudgeWidth = 32,
  parameter Noise = 0,             // 1: there is noise
  parameter NoiseWidth = 1,        // of the total's fraction
  parameter SumShift = 0,          // total, noise -> sum
  parameter SumNudgeShift = 0,     // nudge -> sum
  parameter SumWidth = 32,
  parameter DriveShift = 16,       // bits dropped from sum to drive
  parameter DriveRounding = 2,
  parameter DriveOverflow = 1,
  parameter FWidth = 32,           // f, rho of the drive
  parameter FShift = 0,            // f -> e
  parameter NudgeShift = 0,        // nudge -> e
  parameter StateShift = 0,        // state -> e
  parameter EWidth = 32,
  parameter XStateShift = 0,       // state -> x
  parameter XWidth = 32,
  parameter XShift = 8,            // bits dropped from x to state
  parameter StateRounding = 2,
  parameter StateOverflow = 1,
  parameter DriveStage = 4,        // 1, or 4: with a sum, random bits or a table of slopes before it, or 6: with noise
  parameter ActivationCycles = 2,  // 2 where any layer has a table
  parameter ErrorCycles = 1,       // 0 where e = f, in every layer
  parameter TableFile = "none"     // rho of the drive (Activation 2), or rho' of the state (Dynamics 2, Activation 2, hidden)
) (
  input  wire                           clk_i,
  input  wire signed [TotalWidth-1:0]   total_i,
  input  wire signed [StateWidth:0]     state_i,        // one bit more than the format: signed either way
  input  wire                           target_i,
  input  wire [1:0]                     nudge_i,        // 0 none, 1 plus, 2 minus
  input  wire                           rest_i,
  /* verilator lint_off UNUSED */
  input  wire signed [NoiseWidth-1:0]   noise_i,        // 4 cycles after total_i
  /* verilator lint_on UNUSED */
  input  wire [31:0]                    drive_random_i, // DriveStage - 1 cycles after total_i
  input  wire [31:0]                    state_random_i, // one cycle before state_o
  output wire [DriveWidth-1:0]          drive_o,        // with state_o
  output wire [StateWidth-1:0]          state_o
);

  localparam HasTable = (Activation == 2 && !(Dynamics == 2 && Output == 1)) ? 1 : 0;

  // Which operands are used depends on the parameters.
  /* verilator lint_off UNUSED */
  /* verilator lint_off WIDTH */

  localparam FStage = DriveStage + ActivationCycles;
  localparam EStage = FStage + ErrorCycles;
  localparam XStage = EStage + ((Dynamics != 0) ? 1 : 0);
  localparam StateStage = XStage + 1;

  // What waits for its stage: the youngest lies lowest, its stage is 1 for states, 2 for nudges.
  localparam HeldWidth = StateWidth + 1;
  reg [XStage*HeldWidth-1:0] states_q;
  reg [XStage-1:0] rests_q;
  reg [(FStage-1)*NudgeWidth-1:0] nudges_q;
  wire signed [StateWidth:0] state_1 = states_q[0+:HeldWidth];
  wire signed [StateWidth:0] state_e = states_q[(FStage-1)*HeldWidth+:HeldWidth];
  wire signed [StateWidth:0] state_x = states_q[(EStage-1)*HeldWidth+:HeldWidth];
  wire [StateWidth-1:0] state_kept = states_q[(XStage-1)*HeldWidth+:StateWidth];
  wire signed [NudgeWidth-1:0] nudge_e = nudges_q[(FStage-2)*NudgeWidth+:NudgeWidth];

  // Nudge: factor (target - state). The factor's product with the target is a constant or none, so nothing stands in
  // front of the product with the state, and one sum behind it.
  localparam signed [BetaWidth-1:0] Factor = Beta;
  localparam signed [NudgeWidth-1:0] Goal = OneState * Beta;
  reg signed [BetaWidth-1:0] factor_q;
  reg signed [NudgeWidth-1:0] goal_q;
  wire nudged = (Output != 0) && nudge_i != 2'd0;
  wire signed [NudgeWidth-1:0] pull = goal_q - state_1 * factor_q;
  always @(posedge clk_i) begin
    factor_q <= !nudged ? 0 : (nudge_i == 2'd2) ? -Factor : Factor;
    goal_q <= !(nudged && target_i) ? 0 : (nudge_i == 2'd2) ? -Goal : Goal;
    nudges_q <= {nudges_q, pull};
    states_q <= {states_q, state_i};
    rests_q <= {rests_q, (Rests != 0) && rest_i};
  end

  // Sum and drive.
  wire signed [SumWidth-1:0] sum;
  generate
    if (DriveStage == 1) begin : gen_sum_is_total
      assign sum = $signed({{SumWidth{total_i[TotalWidth-1]}}, total_i}) <<< SumShift;
    end else begin : gen_sum
      // Of the stage before the sum.
      reg [(DriveStage-2)*TotalWidth-1:0] totals_q;
      reg signed [SumWidth-1:0] sum_q;
      wire signed [TotalWidth-1:0] total = totals_q[(DriveStage-3)*TotalWidth+:TotalWidth];
      wire signed [NudgeWidth-1:0] nudge = nudges_q[(DriveStage-4)*NudgeWidth+:NudgeWidth];
      wire signed [SumWidth-1:0] total_aligned = $signed({{SumWidth{total[TotalWidth-1]}}, total}) <<< SumShift;
      wire signed [SumWidth-1:0] noise_aligned = $signed({{SumWidth{noise_i[NoiseWidth-1]}}, noise_i}) <<< SumShift;
      wire signed [SumWidth-1:0] nudge_aligned = $signed({{SumWidth{nudge[NudgeWidth-1]}}, nudge}) <<< SumNudgeShift;
      wire signed [SumWidth-1:0] noisy = (Noise != 0) ? total_aligned + noise_aligned : total_aligned;
      always @(posedge clk_i) begin
        totals_q <= {totals_q, total_i};
        sum_q <= (Inside != 0) ? noisy + nudge_aligned : noisy;
      end
      assign sum = sum_q;
    end
  endgenerate
  wire [DriveWidth-1:0] drive_d;
  wire drive_saturated;
  requantise #(
    .InWidth(SumWidth), .Shift(DriveShift), .OutWidth(DriveWidth), .OutSigned(DriveSigned),
    .Rounding(DriveRounding), .Overflow(DriveOverflow)
  ) u_drive (
    .in_i(sum), .random_i(drive_random_i), .out_o(drive_d), .saturated_o(drive_saturated)
  );
  // From DriveStage, lowest, to StateStage.
  localparam DrivesHeld = StateStage - DriveStage + 1;
  reg [DrivesHeld*DriveWidth-1:0] drives_q;
  always @(posedge clk_i) drives_q <= {drives_q, drive_d};
  wire [DriveWidth-1:0] drive_raw = drives_q[0+:DriveWidth];
  wire signed [DriveWidth:0] drive = {(DriveSigned != 0) && drive_raw[DriveWidth-1], drive_raw};
  assign drive_o = drives_q[(DrivesHeld-1)*DriveWidth+:DriveWidth];

  // Activation.
  wire signed [FWidth-1:0] f;
  generate
    if (HasTable != 0 && Dynamics != 2) begin : gen_rho
      wire [StateWidth-1:0] rho;
      reg signed [FWidth-1:0] f_q;
      function_table #(.InWidth(DriveWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(drive_raw), .result_o(rho)
      );
      always @(posedge clk_i)
        f_q <= (StateSigned != 0) ? $signed({{FWidth{rho[StateWidth-1]}}, rho}) : $signed({{FWidth{1'b0}}, rho});
      assign f = f_q;
    end else if (HasTable != 0) begin : gen_slope
      // Looked up beside the drive.
      wire [StateWidth-1:0] slope;
      reg [StateWidth-1:0] slope_q;
      reg signed [FWidth-1:0] f_q;
      wire signed [DriveWidth:0] drive_late =
          {(DriveSigned != 0) && drives_q[2*DriveWidth-1], drives_q[DriveWidth+:DriveWidth]};
      function_table #(.InWidth(StateWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(states_q[(DriveStage-2)*HeldWidth+:StateWidth]), .result_o(slope)
      );
      always @(posedge clk_i) begin
        slope_q <= slope;
        f_q <= (StateSigned != 0) ? $signed(slope_q) * drive_late : $signed({1'b0, slope_q}) * drive_late;
      end
      assign f = f_q;
    end else begin : gen_clip
      reg [ActivationCycles*FWidth-1:0] fs_q;
      wire signed [FWidth-1:0] clipped = drive[DriveWidth] ? 0 : (drive > OneDrive) ? OneDrive : drive;
      wire signed [FWidth-1:0] linear = drive;
      always @(posedge clk_i) fs_q <= {fs_q, (Dynamics == 2) ? linear : clipped};
      assign f = fs_q[(ActivationCycles-1)*FWidth+:FWidth];
    end
  endgenerate

  // Error and step.
  wire signed [EWidth-1:0] f_aligned = $signed({{EWidth{f[FWidth-1]}}, f}) <<< FShift;
  wire signed [EWidth-1:0] pull_aligned = $signed({{EWidth{nudge_e[NudgeWidth-1]}}, nudge_e}) <<< NudgeShift;
  wire signed [EWidth-1:0] state_aligned = $signed({{EWidth{state_e[StateWidth]}}, state_e}) <<< StateShift;
  wire signed [EWidth-1:0] pulled = (Output != 0 && Inside == 0) ? f_aligned + pull_aligned : f_aligned;
  wire signed [EWidth-1:0] e;
  wire signed [XWidth-1:0] x;
  generate
    if (ErrorCycles == 0) begin : gen_no_error
      assign e = f_aligned;
    end else begin : gen_error
      reg signed [EWidth-1:0] e_q;
      always @(posedge clk_i) e_q <= (Dynamics == 0) ? pulled : pulled - state_aligned;
      assign e = e_q;
    end
    if (Dynamics == 0) begin : gen_no_step
      assign x = e;
    end else begin : gen_step
      wire signed [DtWidth-1:0] dt = Dt;
      reg signed [XWidth-1:0] x_q;
      always @(posedge clk_i)
        x_q <= ($signed({{XWidth{state_x[StateWidth]}}, state_x}) <<< XStateShift) + e * dt;
      assign x = x_q;
    end
  endgenerate

  // State.
  wire [StateWidth-1:0] state_d;
  wire state_saturated;
  requantise #(
    .InWidth(XWidth), .Shift(XShift), .OutWidth(StateWidth), .OutSigned(StateSigned),
    .Rounding(StateRounding), .Overflow(StateOverflow)
  ) u_state (
    .in_i(x), .random_i(state_random_i), .out_o(state_d), .saturated_o(state_saturated)
  );

  // Energy-based states live in [0, 1].
  reg [StateWidth-1:0] state_q;
  wire below = (StateSigned != 0) && state_d[StateWidth-1];
  wire above = ({1'b0, state_d} > OneState);
  wire [StateWidth-1:0] moved = (Dynamics != 2) ? state_d : below ? 0 : above ? OneState : state_d;
  always @(posedge clk_i) state_q <= rests_q[XStage-1] ? state_kept : moved;
  assign state_o = state_q;

  /* verilator lint_on WIDTH */
  /* verilator lint_on UNUSED */

endmodule

`default_nettype wire
